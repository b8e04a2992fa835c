/**
 * Types texts, stroke by stroke and one after the other, no faster than a guest takes them: QEMU holds each stroke for
 * 10 ms and drops what does not fit its queue.
 */
import { type KeyStroke, strokesOf } from "./keysyms.ts";

const strokeMs = 12;
/** In characters. What waits to be typed is no more than this. */
export const maxTyped = 4_096;

export class Typist {
  readonly #strike: (stroke: KeyStroke) => void;
  readonly #tellUntyped: (characters: string) => void;
  #queue: KeyStroke[][] = [];
  #timer: NodeJS.Timeout | null = null;

  /** `tellUntyped` gets what is left out, because no key makes it or because it was too long. */
  constructor(strike: (stroke: KeyStroke) => void, tellUntyped: (characters: string) => void) {
    this.#strike = strike;
    this.#tellUntyped = tellUntyped;
  }

  type(text: string): void {
    let untyped = "";
    for (const character of text.replaceAll(/\r\n?/g, "\n")) {
      const strokes = this.#queue.length < maxTyped ? strokesOf(character) : null;
      if (strokes) this.#queue.push(strokes);
      else untyped += character;
    }
    if (untyped !== "") this.#tellUntyped(untyped);
    if (!this.#timer) this.#next();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue = [];
  }

  #next(): void {
    const strokes = this.#queue.shift();
    this.#timer = null;
    if (!strokes) return;
    for (const stroke of strokes) this.#strike(stroke);
    this.#timer = setTimeout(() => this.#next(), strokes.length * strokeMs);
  }
}
