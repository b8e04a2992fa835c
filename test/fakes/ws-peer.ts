/** One end of a stream, on a socket of the `ws` library: it keeps what it hears. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { WebSocket } from "ws";
import { StreamControl } from "../../protocol/streams.ts";

export class WsPeer {
  readonly controls: StreamControl[] = [];
  /** The beginning of what was heard, as Latin-1. */
  text = "";
  bytes = 0;
  greatestFrame = 0;
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly socket: WebSocket;
  readonly #hash = createHash("sha256");

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#hear(data, isBinary));
    socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    socket.on("error", () => {});
  }

  send(bytes: Buffer | string): void {
    this.socket.send(Buffer.from(bytes));
  }

  control(message: StreamControl): void {
    this.socket.send(JSON.stringify(message));
  }

  cut(): void {
    this.socket.terminate();
  }

  /** Of all that was heard. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  async hears(text: string, timeoutMs?: number): Promise<void> {
    await this.#until(() => this.text.includes(text), `'${text}' heard`, timeoutMs);
  }

  async hearsBytes(bytes: number, timeoutMs?: number): Promise<void> {
    await this.#until(() => this.bytes >= bytes, `${bytes} bytes heard`, timeoutMs);
  }

  async hearsControl<T extends StreamControl["type"]>(type: T, timeoutMs?: number) {
    const found = () => this.controls.find((control) => control.type === type);
    await this.#until(() => found() !== undefined, `${type} heard`, timeoutMs);
    return found() as Extract<StreamControl, { type: T }>;
  }

  async ended(timeoutMs?: number): Promise<{ code: number; reason: string }> {
    await this.#until(() => this.closed !== null, "closed", timeoutMs);
    return this.closed as { code: number; reason: string };
  }

  #hear(data: Buffer, isBinary: boolean): void {
    if (!isBinary) return void this.controls.push(StreamControl.parse(JSON.parse(data.toString("utf8"))));
    this.bytes += data.length;
    this.greatestFrame = Math.max(this.greatestFrame, data.length);
    this.#hash.update(data);
    if (this.text.length < 10_000) this.text += data.toString("latin1");
  }

  async #until(check: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!check()) {
      if (Date.now() > deadline) {
        const heard = `${this.bytes} bytes, ${JSON.stringify(this.controls)}, ${JSON.stringify(this.closed)}`;
        throw new Error(`Not in time: ${what}. It heard ${heard}: ${this.text.slice(0, 200)}`);
      }
      await sleep(5);
    }
  }
}
