/**
 * What a guest may do to the terminal of whoever looks at its console: print, move the cursor, choose colours, switch screens.
 *
 * Taken out: what changes the terminal itself or makes it type, such as titles and the clipboard (OSC), device controls and
 * macros (DCS, APC, PM, SOS), and reports about windows (CSI … t). Works on bytes, across chunks, since a sequence may be cut anywhere.
 */
const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
/** After ESC: OSC, DCS, APC, PM, SOS. Each lasts until BEL or ESC \. */
const strings = new Set(Buffer.from("]P_^X"));
/** The same as single characters U+0090, 98, 9D, 9E, 9F, which UTF-8 writes as C2 and this. */
const stringsInUtf8 = new Set([0x90, 0x98, 0x9d, 0x9e, 0x9f]);
const csiInUtf8 = 0x9b;
/** A sequence that is longer is no sequence that a terminal would take. */
const longestSequence = 256;

type State = "ground" | "escape" | "sequence" | "string" | "string-escape" | "utf8-c1";

export class TerminalFilter {
  #state: State = "ground";
  #held: number[] = [];

  /** What may be shown of it. The beginning of a sequence is held back until its end has come. */
  push(chunk: Uint8Array): Uint8Array {
    const shown: number[] = [];
    for (const byte of chunk) this.#step(byte, shown);
    return Uint8Array.from(shown);
  }

  #step(byte: number, shown: number[]): void {
    switch (this.#state) {
      case "ground":
        if (byte === ESC) return this.#hold("escape", byte);
        if (byte === 0xc2) return this.#hold("utf8-c1", byte);
        shown.push(byte);
        return;
      case "utf8-c1":
        if (stringsInUtf8.has(byte)) return this.#drop("string");
        if (byte === csiInUtf8) return this.#hold("sequence", byte);
        // Other controls of this block go; letters such as © come through.
        if (byte >= 0x80 && byte <= 0x9f) return this.#drop("ground");
        this.#release(shown);
        return this.#step(byte, shown);
      case "escape":
        if (byte === 0x5b) return this.#hold("sequence", byte);
        if (strings.has(byte)) return this.#drop("string");
        if (byte === ESC) return;
        this.#held.push(byte);
        // ESC ( B and alike have more bytes to come.
        if (byte >= 0x20 && byte <= 0x2f && this.#held.length < 8) return;
        // ESC c resets the whole terminal, which a guest's own reset may well do.
        this.#release(shown);
        return;
      case "sequence":
        if (byte === ESC) {
          this.#held = [];
          return this.#hold("escape", byte);
        }
        if (byte === CAN || byte === SUB || this.#held.length > longestSequence) return this.#drop("ground");
        this.#held.push(byte);
        if (byte < 0x40 || byte > 0x7e) return;
        if (byte === 0x74) return this.#drop("ground");
        this.#release(shown);
        return;
      case "string":
        if (byte === BEL || byte === CAN || byte === SUB) this.#state = "ground";
        if (byte === ESC) this.#state = "string-escape";
        return;
      case "string-escape":
        // ESC \ ends it; any other ESC begins something new, as terminals see it.
        this.#state = "ground";
        if (byte === 0x5c) return;
        this.#held = [ESC];
        this.#state = "escape";
        return this.#step(byte, shown);
    }
  }

  #hold(state: State, byte: number): void {
    this.#held.push(byte);
    this.#state = state;
  }

  #drop(state: State): void {
    this.#held = [];
    this.#state = state;
  }

  #release(shown: number[]): void {
    shown.push(...this.#held);
    this.#drop("ground");
  }
}
