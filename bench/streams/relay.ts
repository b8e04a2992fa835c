/**
 * A process of its own: what Node and `ws` do at most. `/client/<name>` and then `/host/<name>` are joined, as
 * the edge does;
 * `/direct/<port>` leads to the unix socket itself, as a server on the host would where nothing stands in its way.
 */
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { socketOf } from "./ports.ts";

const enoughBuffered = 1_048_576;

/** Both ways, and neither side is read faster than the other takes it. */
export function joinSockets(webSocket: WebSocket, socket: Socket): void {
  socket.on("data", (data) => {
    webSocket.send(data, () => socket.resume());
    if (webSocket.bufferedAmount > enoughBuffered) socket.pause();
  });
  webSocket.on("message", (data: Buffer) => {
    if (socket.write(data)) return;
    webSocket.pause();
    socket.once("drain", () => webSocket.resume());
  });
  socket.on("end", () => webSocket.close(1000));
  socket.on("error", () => webSocket.terminate());
  webSocket.on("close", () => socket.destroy());
  webSocket.on("error", () => socket.destroy());
}

function pair(one: WebSocket, other: WebSocket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("message", (data: Buffer, binary: boolean) => {
      to.send(data, { binary }, () => from.resume());
      if (to.bufferedAmount > enoughBuffered) from.pause();
    });
    from.on("close", () => to.close(1000));
    from.on("error", () => to.terminate());
  }
}

const [, script, folder] = process.argv;
if (script === import.meta.filename && folder !== undefined) {
  const waiting = new Map<string, WebSocket>();
  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket, { url = "" }) => {
    const [, kind, name = ""] = url.split("/");
    if (kind === "direct") return joinSockets(socket, connect(socketOf(folder, Number(name))));
    if (kind === "client") return waiting.set(name, socket);
    const client = waiting.get(name);
    if (!client) return socket.terminate();
    waiting.delete(name);
    pair(socket, client);
    client.send("joined");
  });
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
  process.once("disconnect", () => process.exit(0));
}
