/**
 * A machine's serial console: any number of readers, of whom at most one writes.
 *
 * The connection to QEMU stands only while somebody reads. Who asks to take over gets the right to write; when the writer
 * leaves, it falls to whoever asked last, else to the oldest reader that may have it.
 */
import type { VmPaths } from "../paths.ts";
import { SerialLine } from "./serial-line.ts";
import { SerialReader, type WriteWish } from "./serial-reader.ts";

export class SerialConsole {
  readonly #paths: VmPaths;
  #line: Promise<SerialLine> | null = null;
  /** In the order in which they came. */
  readonly #readers = new Set<SerialReader>();
  /** Who asked to take over, the last one at the end. */
  #askers: SerialReader[] = [];

  constructor(paths: VmPaths) {
    this.#paths = paths;
  }

  /** Errors: QEMU_FAILED. */
  async attach(wish: WriteWish): Promise<SerialReader> {
    this.#line ??= this.#open();
    const opening = this.#line;
    const line = await opening;
    // The last reader may have left, and taken the connection with it, while this one waited.
    if (this.#line !== opening) return this.attach(wish);
    const reader = new SerialReader(wish, {
      said: line.said,
      write: (chunk, onTaken) => line.write(chunk, onTaken),
      takeOver: (asker) => this.#takeOver(asker),
      left: (leaving) => this.#left(leaving),
    });
    this.#readers.add(reader);
    if (wish === "take-over") this.#takeOver(reader);
    else this.#fill();
    return reader;
  }

  #open(): Promise<SerialLine> {
    const follow = () => {
      for (const reader of this.#readers) reader.follow();
    };
    // Of a connection that was given up, the end is no news.
    const ended = () => {
      if (this.#line === line) this.#ended();
    };
    const line = SerialLine.open(this.#paths, follow, ended);
    line.catch(ended);
    return line;
  }

  #ended(): void {
    this.#line = null;
    for (const reader of this.#readers) reader.finish();
    this.#readers.clear();
    this.#askers = [];
  }

  #takeOver(asker: SerialReader): void {
    if (asker.wish === "never" || !this.#readers.has(asker)) return;
    this.#askers = [...this.#askers.filter((other) => other !== asker), asker];
    this.#giveTo(asker);
  }

  #left(leaving: SerialReader): void {
    if (!this.#readers.delete(leaving)) return;
    this.#askers = this.#askers.filter((other) => other !== leaving);
    if (this.#readers.size > 0) return this.#fill();
    const line = this.#line;
    this.#line = null;
    void line?.then((open) => open.close());
  }

  /** Somebody writes, if anybody may. */
  #fill(): void {
    const readers = [...this.#readers];
    if (readers.some(({ mayWrite }) => mayWrite)) return;
    const next = this.#askers.at(-1) ?? readers.find(({ wish }) => wish !== "never");
    if (next) this.#giveTo(next);
  }

  #giveTo(writer: SerialReader): void {
    for (const reader of this.#readers) reader.mayWrite = reader === writer;
  }
}
