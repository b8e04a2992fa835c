/** Asks the API all the while whether it is there, and keeps the longest time for which it was not. */
import { setTimeout as sleep } from "node:timers/promises";

const everyMs = 200;
const patienceMs = 2_000;

export class ApiWatch {
  readonly #url: string;
  readonly #ending = new AbortController();
  readonly #life: Promise<void>;
  #awaySince: number | null = null;
  longestAwayMs = 0;

  constructor(base: string) {
    this.#url = `${base}/health`;
    this.#life = this.#look();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#life;
  }

  async #look(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const asked = performance.now();
      const answers = await fetch(this.#url, { signal: AbortSignal.timeout(patienceMs) }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (answers) this.#awaySince = null;
      else this.#awaySince ??= asked;
      if (this.#awaySince !== null)
        this.longestAwayMs = Math.max(this.longestAwayMs, performance.now() - this.#awaySince);
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  }
}
