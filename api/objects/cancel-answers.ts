/** Who waits for a host's answer to a cancellation. On the heap: an object that forgets it lets the asker ask again. */
import type { AgentFrame } from "../../protocol/agent-link.ts";

export type CancelEffect = Extract<AgentFrame, { type: "cancelled" }>["effect"];

const patienceMs = 5_000;

export class CancelAnswers {
  readonly #askers = new Map<string, Set<(effect: CancelEffect | null) => void>>();

  /** Null when nothing was answered in time. `ask` sends the question. */
  async wait(operationId: string, ask: () => void): Promise<CancelEffect | null> {
    const { promise, resolve } = Promise.withResolvers<CancelEffect | null>();
    const askers = this.#askers.get(operationId) ?? new Set();
    this.#askers.set(operationId, askers.add(resolve));
    const timer = setTimeout(() => resolve(null), patienceMs);
    ask();
    const effect = await promise;
    clearTimeout(timer);
    askers.delete(resolve);
    if (askers.size === 0) this.#askers.delete(operationId);
    return effect;
  }

  tell(operationId: string, effect: CancelEffect): void {
    for (const resolve of this.#askers.get(operationId) ?? []) resolve(effect);
  }
}
