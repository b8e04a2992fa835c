/**
 * One stream's socket to the edge, joined to the host's end of the stream.
 *
 * What waits here is bounded in both directions: the target is read only as far as the client has granted room, and
 * the client gets more room only as the target takes what was written.
 */
import type { WebSocket } from "ws";
import { linkLimits } from "../../protocol/agent-link.ts";
import { socketCloseCodes } from "../../protocol/client-socket.ts";
import { StreamControl, streamLimits } from "../../protocol/streams.ts";
import { HostError, toHostError } from "../errors.ts";
import type { StreamEnd } from "./stream-end.ts";

const { maxFrameBytes, windowBytes, unawareBytes } = streamLimits;
/** More than the socket keeps the network busy with: beyond it, granted bytes stay with the target. */
const enoughBuffered = 1_048_576;
const { malformed } = socketCloseCodes;

export class StreamSocket {
  readonly #socket: WebSocket;
  #end: StreamEnd | null = null;
  /** What came before the target was reached. */
  #early: (() => void)[] = [];
  /** Bytes that may be sent. */
  #credit: number = windowBytes;
  /** Bytes received that the target has not taken. */
  #untaken = 0;
  /** Bytes that it has taken and for which the client has not been granted others. */
  #ungranted = 0;
  #failure: Error | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    socket.on("close", () => this.#end?.stream.destroy());
    keepAlive(socket);
  }

  onClose(listener: () => void): void {
    this.#socket.once("close", listener);
  }

  /** From now on the bytes flow. */
  join(end: StreamEnd): void {
    const { stream } = end;
    if (this.#socket.readyState !== this.#socket.OPEN) return void stream.destroy();
    if (stream.destroyed) return this.finish(stream.errored);
    this.#end = end;
    stream.on("error", (error) => (this.#failure ??= error));
    stream.on("close", () => this.finish(this.#failure));
    stream.on("end", () => this.#say({ type: "end" }));
    end.onControl?.((message) => this.#say(message));
    this.#say({ type: "opened", writable: end.writable });
    for (const deliver of this.#early) deliver();
    this.#early = [];
    stream.on("readable", () => this.#pump());
  }

  /** Says why it is over, and closes. Null is an orderly end. */
  finish(failure: Error | null): void {
    const { code, message } = failure ? streamFailure(failure) : { code: null, message: null };
    this.#say({ type: "closed", code, message: message?.slice(0, 500) ?? null });
    this.#socket.close(1000);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) return this.#bytes(data);
    const message = parse(data);
    if (message === null) return this.#socket.close(malformed, "Not a message of this protocol");
    if (message.type !== "credit") return this.#whenJoined((end) => this.#control(end, message));
    this.#credit += message.bytes;
    this.#pump();
  }

  #bytes(data: Buffer): void {
    this.#untaken += data.length;
    if (this.#untaken > windowBytes + unawareBytes) return this.#socket.close(malformed, "More than was granted");
    this.#whenJoined(({ stream }) => {
      // After its end or failure nothing is taken, and `close` tells the client.
      if (stream.writable) stream.write(data, (error) => error ?? this.#taken(data.length));
    });
  }

  #control(end: StreamEnd, message: StreamControl): void {
    if (message.type === "end") end.stream.end();
    else end.control?.(message);
  }

  #whenJoined(act: (end: StreamEnd) => void): void {
    if (this.#end) act(this.#end);
    else this.#early.push(() => this.#end && act(this.#end));
  }

  #taken(bytes: number): void {
    this.#untaken -= bytes;
    this.#ungranted += bytes;
    if (this.#ungranted < windowBytes / 2) return;
    this.#say({ type: "credit", bytes: this.#ungranted });
    this.#ungranted = 0;
  }

  #pump(): void {
    const stream = this.#end?.stream;
    while (stream && this.#credit > 0 && this.#socket.bufferedAmount < enoughBuffered) {
      // Of nothing it reads on, and finds the end if there is one.
      const chunk = stream.read(Math.min(stream.readableLength, this.#credit, maxFrameBytes)) as Buffer | null;
      if (chunk === null || this.#socket.readyState !== this.#socket.OPEN) return;
      this.#credit -= chunk.length;
      this.#socket.send(chunk, () => this.#pump());
    }
  }

  #say(message: StreamControl): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

/** A broken connection is told as such, whatever broke it. */
function streamFailure(failure: Error): HostError {
  const { code = "" } = failure as NodeJS.ErrnoException;
  if (["ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code)) {
    return new HostError("STREAM_LOST", `The far end broke the connection off (${code})`, { cause: failure });
  }
  return toHostError(failure);
}

function parse(data: Buffer): StreamControl | null {
  try {
    return StreamControl.parse(JSON.parse(data.toString("utf8")));
  } catch {
    return null;
  }
}

/** Pings, which the edge's runtime answers without waking the object, and ends a socket that has fallen silent. */
function keepAlive(socket: WebSocket): void {
  let heardAt = performance.now();
  const heard = () => (heardAt = performance.now());
  socket.on("pong", heard).on("message", heard);
  const timer = setInterval(() => {
    if (performance.now() - heardAt > linkLimits.agentDeadMs) return socket.terminate();
    if (socket.readyState === socket.OPEN) socket.ping();
  }, linkLimits.pingIntervalMs);
  socket.once("close", () => clearInterval(timer));
}
