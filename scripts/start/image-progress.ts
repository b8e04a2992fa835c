/** Shows how far the tiny image is, which is built while everything else works already: once on each machine. */
export class ImageProgress {
  readonly #say: (text: string) => void;
  #shown = "";
  #building = false;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  show(percent: number, message: string): void {
    if (percent >= 100) {
      if (this.#building) this.#say("  tiny image  ready");
      this.#building = false;
      return;
    }
    this.#building = true;
    if (message === this.#shown) return;
    this.#shown = message;
    this.#say(`  tiny image  ${String(Math.floor(percent)).padStart(2)} % ${message}`);
  }
}
