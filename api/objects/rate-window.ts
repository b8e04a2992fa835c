/**
 * How much was taken in the last minute. Never more than the limit in any span of that length, wherever it begins.
 *
 * What comes within a sixtieth of the window shares a bucket, which counts until its latest has left the window: so
 * the memory is bounded, however high the limit, and a bucket errs on the strict side by a second at most.
 */
export interface Bucket {
  /** The first and the latest that it counts, in ms since 1970. */
  readonly from: number;
  to: number;
  count: number;
}

export interface Standing {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until something of what was taken is forgotten, 1 at least. */
  readonly resetSeconds: number;
}

export class RateWindow {
  #buckets: Bucket[];
  readonly #lengthMs: number;

  constructor(lengthMs: number, buckets: readonly Bucket[] = []) {
    this.#lengthMs = lengthMs;
    this.#buckets = [...buckets];
  }

  /** What must be kept of it. */
  get buckets(): readonly Bucket[] {
    return this.#buckets;
  }

  /** Takes `cost` if that much is left. What is refused takes nothing. */
  take(cost: number, limit: number, now: number): Standing {
    this.#forget(now);
    const taken = this.#buckets.reduce((sum, { count }) => sum + count, 0);
    const allowed = taken + cost <= limit;
    if (allowed && cost > 0) this.#add(cost, now);
    const oldest = this.#buckets[0]?.to ?? now;
    return {
      allowed,
      limit,
      remaining: Math.max(0, limit - taken - (allowed ? cost : 0)),
      resetSeconds: Math.max(1, Math.ceil((oldest + this.#lengthMs - now) / 1000)),
    };
  }

  isEmpty(now: number): boolean {
    this.#forget(now);
    return this.#buckets.length === 0;
  }

  #add(cost: number, now: number): void {
    const last = this.#buckets.at(-1);
    if (last && now - last.from < this.#lengthMs / 60) {
      last.count += cost;
      last.to = Math.max(last.to, now);
    } else {
      this.#buckets.push({ from: now, to: now, count: cost });
    }
  }

  #forget(now: number): void {
    this.#buckets = this.#buckets.filter(({ to }) => now - to < this.#lengthMs);
  }
}
