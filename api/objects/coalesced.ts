/**
 * Work of which calls that come while it runs share the next run.
 *
 * Each call gets a run that began after it, so nothing that was there when it was made is missed.
 */
export class Coalesced {
  readonly #work: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  run(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = null;
        this.#running = this.#work();
        return this.#running;
      });
    return this.#next;
  }
}
