/** The requests of each connection, one after the other: so an answer tells of what was asked before it. */
import { socketLimits } from "../../protocol/client-socket.ts";

export class Turns {
  readonly #turns = new Map<string, { pending: number; last: Promise<void> }>();

  /** Resolves when the work is done; null where so many wait already that this one is not taken. */
  take(connectionId: string, work: () => Promise<void>): Promise<void> | null {
    const turn = this.#turns.get(connectionId) ?? { pending: 0, last: Promise.resolve() };
    if (turn.pending >= socketLimits.maxPending) return null;
    turn.pending++;
    this.#turns.set(connectionId, turn);
    turn.last = turn.last.then(work).finally(() => {
      if (--turn.pending === 0) this.#turns.delete(connectionId);
    });
    return turn.last;
  }
}
