/** A stream in front of another one, for ends that look at what passes or must tidy up behind it. */
import { Duplex } from "node:stream";

export class RelayedStream extends Duplex {
  readonly #inner: Duplex;

  constructor(inner: Duplex) {
    super();
    this.#inner = inner;
    inner.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) inner.pause();
    });
    inner.on("end", () => {
      this.push(null);
      this.end();
    });
    inner.on("error", (error) => this.destroy(error));
    inner.on("close", () => {
      if (!inner.readableEnded) this.destroy();
    });
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, onTaken: (error?: Error | null) => void): void {
    this.#inner.write(chunk);
    this.afterWrite(onTaken);
  }

  /** Takes no more while what is behind has not taken what it has. */
  protected afterWrite(onTaken: () => void): void {
    if (this.#inner.writableNeedDrain) this.#inner.once("drain", onTaken);
    else onTaken();
  }

  override _final(done: () => void): void {
    this.#inner.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy();
    done(error);
  }
}
