/**
 * One reader of a serial console: follows what is said at its own pace. One that is too slow loses the oldest bytes and
 * is told how many; the others go on.
 */
import { Duplex } from "node:stream";
import type { StreamControl, StreamTarget } from "../../protocol/streams.ts";
import type { ByteRing } from "./byte-ring.ts";

export type WriteWish = Extract<StreamTarget, { kind: "serial" }>["write"];

export interface ReaderHandlers {
  readonly said: ByteRing;
  write(chunk: Buffer, onTaken: (error?: Error | null) => void): void;
  takeOver(reader: SerialReader): void;
  left(reader: SerialReader): void;
}

/** Little, so that what waits for a slow reader waits in the ring, where it is counted. */
const bufferBytes = 16_384;

export class SerialReader extends Duplex {
  readonly wish: WriteWish;
  readonly #handlers: ReaderHandlers;
  #place: number;
  #isAsked = false;
  #isOver = false;
  #mayWrite = false;
  #tell: (message: StreamControl) => void = () => {};

  constructor(wish: WriteWish, handlers: ReaderHandlers) {
    super({ readableHighWaterMark: bufferBytes, writableHighWaterMark: bufferBytes });
    this.wish = wish;
    this.#handlers = handlers;
    this.#place = handlers.said.start;
  }

  get mayWrite(): boolean {
    return this.#mayWrite;
  }

  set mayWrite(mayWrite: boolean) {
    if (mayWrite === this.#mayWrite) return;
    this.#mayWrite = mayWrite;
    this.#tell({ type: "writer", writable: mayWrite });
  }

  onControl(listener: (message: StreamControl) => void): void {
    this.#tell = listener;
  }

  takeOver(): void {
    this.#handlers.takeOver(this);
  }

  /** More was said. */
  follow(): void {
    const { said } = this.#handlers;
    if (!this.#isAsked) return;
    if (this.#place >= said.end) {
      if (this.#isOver) this.#close();
      return;
    }
    const missed = said.start - this.#place;
    if (missed > 0) {
      this.#tell({ type: "gap", bytes: missed });
      this.#place = said.start;
    }
    const chunk = said.read(this.#place, bufferBytes);
    this.#place += chunk.length;
    this.#isAsked = false;
    this.push(chunk);
  }

  /** Nothing more will be said: the machine is off. What was said is still read. */
  finish(): void {
    this.#isOver = true;
    this.follow();
  }

  #close(): void {
    this.push(null);
    this.end();
  }

  override _read(): void {
    this.#isAsked = true;
    this.follow();
  }

  /** What somebody types who has not the right to is dropped. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, onTaken: (error?: Error | null) => void): void {
    if (this.#mayWrite) this.#handlers.write(chunk, onTaken);
    else onTaken();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#handlers.left(this);
    done(error);
  }
}
