/** How far an operation is, on one line that is written over: for people at a terminal only. */
import type { Operation } from "../../sdk/typescript/src/index.ts";
import { safeText } from "./safe-text.ts";
import { style } from "./style.ts";

const width = 24;

export class Progress {
  readonly #stream = process.stderr;
  readonly #isShown: boolean;
  #length = 0;

  constructor(isWanted: boolean) {
    this.#isShown = isWanted && process.stderr.isTTY;
  }

  show(name: string, { kind, status, progress }: Operation): void {
    if (!this.#isShown) return;
    const filled = Math.round((width * progress.percent) / 100);
    const bar = "█".repeat(filled) + "░".repeat(width - filled);
    const what = safeText([name, kind, progress.message ?? status].join("  "));
    const room = Math.max(10, (this.#stream.columns ?? 80) - width - 10);
    const text = `${style("cyan", bar, this.#stream)} ${String(progress.percent).padStart(3)} %  ${what.slice(0, room)}`;
    this.#stream.write(`\r\u001b[K${text}`);
    this.#length = text.length;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#length > 0) this.#stream.write("\r\u001b[K");
    this.#length = 0;
  }
}
