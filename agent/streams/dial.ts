/** Dials the socket of one stream. Its ticket names the object that waits at the edge. */
import { WebSocket } from "ws";
import { streamLimits, streamTicketHeader } from "../../protocol/streams.ts";
import type { Identity } from "../identity.ts";
import { StreamSocket } from "./stream-socket.ts";

/** Errors: `Error` with the edge's refusal, or with what went wrong on the way. */
export async function dialStream(identity: Identity, ticket: string): Promise<StreamSocket> {
  const url = new URL("/api/v1/agent/stream", identity.edge);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url.href, {
    headers: { Authorization: `Bearer ${await identity.token()}`, [streamTicketHeader]: ticket },
    // A client that knows no credit sends what it likes; the edge cuts it into frames.
    maxPayload: 2 * streamLimits.maxFrameBytes,
    handshakeTimeout: streamLimits.dialMs,
    // Screens are compressed already, and keystrokes would wait for it.
    perMessageDeflate: false,
  });
  // The client's first bytes may come in the same packet as the answer: it listens before that.
  const stream = new StreamSocket(socket);
  const { promise, resolve, reject } = Promise.withResolvers<StreamSocket>();
  socket.once("open", () => resolve(stream));
  socket.once("unexpected-response", (_request, response) => {
    response.resume();
    reject(new Error(`it answered ${response.statusCode} ${response.statusMessage}`));
    socket.terminate();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => reject(new Error(error.message || error.code)));
  return promise;
}
