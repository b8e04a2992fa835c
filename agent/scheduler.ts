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
  /** Added, and not begun: these can still be taken back. */
  readonly #waiting = new Set<string>();

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
    // What an earlier life of the agent has begun is not taken back.
    if (operation.state === "accepted") this.#waiting.add(operation.id);
    const mayBegin = () => operation.state !== "accepted" || this.#waiting.delete(operation.id);
    const tail = before.then(async () => {
      if (mayBegin()) await this.#run(operation);
    });
    this.#tails.set(operation.vmId, tail);
    void tail.finally(() => {
      if (this.#tails.get(operation.vmId) === tail) this.#tails.delete(operation.vmId);
    });
  }

  /** Ends an operation that has not begun as cancelled. False where it is too late. */
  async cancel(operation: JournalOperation): Promise<boolean> {
    if (!this.#waiting.delete(operation.id)) return false;
    const { journal, host } = this.#engine;
    const outcome = {
      status: "cancelled",
      code: "CANCELLED",
      message: "Cancelled before it began",
      result: null,
    } as const;
    journal.finish(operation.id, outcome, await host.vms.report(operation.vmId));
    this.#onEnd(operation.id);
    return true;
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
