/**
 * When to dial again. Full jitter: after a deploy a thousand hosts dial, and none of them at the same moment.
 *
 * What only a person can mend is tried rarely, and never given up: they may mend it at the edge.
 */
import { closeCodes, linkLimits } from "../protocol/agent-link.ts";

/** How one connection ended. */
export interface Closing {
  /** For people: what happened. */
  readonly reason: string;
  /** Of the WebSocket, or the HTTP status of a refusal; 0 where there was neither. */
  readonly code: number;
  /** Of a refusal by the edge itself. */
  readonly errorCode?: string | undefined;
  /** In how many ms the edge wants to be asked again, where it said so. */
  readonly retryAfterMs?: number | undefined;
  /** How long it was up. */
  readonly healthyMs: number;
}

export class Redial {
  readonly #random: () => number;
  #ceilingMs: number = linkLimits.redialFirstMs;
  #refusals = 0;

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  delayAfter(closing: Closing): number {
    this.#refusals = closing.errorCode === "UNAUTHENTICATED" ? this.#refusals + 1 : 0;
    if (closing.healthyMs >= linkLimits.redialResetMs) this.#ceilingMs = linkLimits.redialFirstMs;
    if (this.needsPerson(closing)) return linkLimits.redialRefusedMs * (0.5 + this.#random() / 2);
    if (closing.retryAfterMs !== undefined) {
      // Of hosts that the edge can't take in yet each is told another moment. It counts in whole seconds.
      return Math.min(closing.retryAfterMs, linkLimits.redialMaxMs) + 1000 * this.#random();
    }
    if (closing.code === closeCodes.quarantined) {
      // Once it is released, a clone must show itself as fast as it did before.
      this.#ceilingMs = linkLimits.redialFirstMs;
      return linkLimits.redialMaxMs * this.#random();
    }
    const ceilingMs = closing.code === closeCodes.restarting ? linkLimits.redialFirstMs : this.#ceilingMs;
    this.#ceilingMs = Math.min(this.#ceilingMs * 2, linkLimits.redialMaxMs);
    return ceilingMs * this.#random();
  }

  /** The edge says that it doesn't know this host's key. A first refusal may be an edge that is being set up. */
  needsPerson({ code }: Closing): boolean {
    return code === closeCodes.revoked || this.#refusals > 1;
  }
}
