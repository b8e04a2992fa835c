/** Runs journalled operations: those of one machine one after the other, those of different machines side by side. */
import type { JournalOperation } from "./journal.ts";
import { type Engine, runOperation } from "./operations/engine.ts";

export class Scheduler {
  readonly #engine: Engine;
  readonly #onEnd: (operationId: string) => void;
  readonly #tails = new Map<string, Promise<void>>();

  /** `onEnd` is called when an operation's outcome is in the journal. */
  constructor(engine: Engine, onEnd: (operationId: string) => void) {
    this.#engine = engine;
    this.#onEnd = onEnd;
  }

  /** Takes up what an earlier life of the agent accepted and did not end. */
  resume(): void {
    for (const operation of this.#engine.journal.unfinished()) this.add(operation);
  }

  add(operation: JournalOperation): void {
    const before = this.#tails.get(operation.vmId) ?? Promise.resolve();
    const tail = before.then(async () => {
      await runOperation(operation, this.#engine);
      this.#onEnd(operation.id);
    });
    this.#tails.set(operation.vmId, tail);
    void tail.finally(() => {
      if (this.#tails.get(operation.vmId) === tail) this.#tails.delete(operation.vmId);
    });
  }
}
