/** Runs journalled operations: those of one machine one after the other, those of different machines side by side. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JournalOperation } from "./journal.ts";
import { type Engine, runOperation } from "./operations/engine.ts";

const journalRetryMs = 5_000;

export class Scheduler {
  readonly #engine: Engine;
  readonly #onEnd: (operationId: string) => void;
  readonly #log: (line: string) => void;
  readonly #tails = new Map<string, Promise<void>>();

  /** `onEnd` is called when an operation's outcome is in the journal. */
  constructor(engine: Engine, onEnd: (operationId: string) => void, log: (line: string) => void) {
    this.#engine = engine;
    this.#log = log;
    this.#onEnd = onEnd;
  }

  /** Takes up what an earlier life of the agent accepted and did not end. */
  resume(): void {
    for (const operation of this.#engine.journal.unfinished()) this.add(operation);
  }

  add(operation: JournalOperation): void {
    const before = this.#tails.get(operation.vmId) ?? Promise.resolve();
    const tail = before.then(() => this.#run(operation));
    this.#tails.set(operation.vmId, tail);
    void tail.finally(() => {
      if (this.#tails.get(operation.vmId) === tail) this.#tails.delete(operation.vmId);
    });
  }

  async #run({ id }: JournalOperation): Promise<void> {
    for (;;) {
      const operation = this.#engine.journal.find(id) as JournalOperation;
      try {
        await runOperation(operation, this.#engine);
        return this.#onEnd(id);
      } catch (error) {
        // Only the journal fails like this, as on a full disk. Without a mark no step may go on.
        this.#log(`${operation.kind} ${id} waits for the journal: ${(error as Error).message}`);
        await sleep(journalRetryMs);
      }
    }
  }
}
