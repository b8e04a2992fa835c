/** The last bytes of an endless stream, each found by its place in the whole of it. */
export class ByteRing {
  readonly #bytes: Buffer;
  #end = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
  }

  /** Place of the oldest byte that is still here. */
  get start(): number {
    return Math.max(0, this.#end - this.#bytes.length);
  }

  /** Place of the byte that comes next. */
  get end(): number {
    return this.#end;
  }

  append(chunk: Uint8Array): void {
    const capacity = this.#bytes.length;
    const kept = chunk.subarray(Math.max(0, chunk.length - capacity));
    const at = (this.#end + chunk.length - kept.length) % capacity;
    const untilEdge = kept.subarray(0, capacity - at);
    this.#bytes.set(untilEdge, at);
    this.#bytes.set(kept.subarray(untilEdge.length), 0);
    this.#end += chunk.length;
  }

  /** At most `most` bytes from `place` on, which must not be older than `start`. */
  read(place: number, most: number): Buffer {
    const capacity = this.#bytes.length;
    const length = Math.min(most, this.#end - place);
    const at = place % capacity;
    const untilEdge = Math.min(length, capacity - at);
    return Buffer.concat([this.#bytes.subarray(at, at + untilEdge), this.#bytes.subarray(0, length - untilEdge)]);
  }
}
