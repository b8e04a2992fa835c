/**
 * Carries changes from the object's own storage to D1, in their order, and again until D1 has them.
 *
 * Whoever waits for an operation's end is told once D1 shows it, so that what they read next is true.
 */
import { type Change, project } from "../../db/projection.ts";
import type { Env } from "../env.ts";
import { tellHubs } from "../hubs.ts";
import type { Outbox } from "./outbox.ts";

const batchSize = 50;

export class Projector {
  readonly #env: Env;
  readonly #outbox: Outbox;
  readonly #waiters = new Map<string, Set<() => void>>();
  #flushing: Promise<boolean> | null = null;

  constructor(env: Env, outbox: Outbox) {
    this.#env = env;
    this.#outbox = outbox;
  }

  /** True when D1 has all of it; false when it failed and the alarm must try again. */
  async flush(hostId: string): Promise<boolean> {
    do {
      this.#flushing ??= this.#flushAll(hostId).finally(() => (this.#flushing = null));
      if (!(await this.#flushing)) return false;
      // What was added while the last write was under way may have come too late for it.
    } while (this.#outbox.changes(1).length > 0);
    return true;
  }

  /** Resolves when the operation's end is in D1, or after `timeoutMs`. */
  async ended(operationId: string, timeoutMs: number): Promise<void> {
    const waiters = this.#waiters.get(operationId) ?? new Set();
    this.#waiters.set(operationId, waiters);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    waiters.add(resolve);
    await promise;
    clearTimeout(timer);
    waiters.delete(resolve);
    if (waiters.size === 0) this.#waiters.delete(operationId);
  }

  async #flushAll(hostId: string): Promise<boolean> {
    for (;;) {
      const batch = this.#outbox.changes(batchSize);
      const last = batch.at(-1);
      if (!last) return true;
      try {
        const changes = batch.map(({ change }) => change);
        void tellHubs(this.#env, await project(this.#env.DB, hostId, changes));
      } catch (error) {
        console.error(
          JSON.stringify({ level: "error", source: "projector", hostId, message: (error as Error).message }),
        );
        return false;
      }
      this.#outbox.removeChanges(last.n);
      for (const { change } of batch) this.#tell(change);
    }
  }

  #tell(change: Change): void {
    if (change.type !== "ended") return;
    for (const resolve of this.#waiters.get(change.operationId) ?? []) resolve();
  }
}
