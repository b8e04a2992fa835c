/** Tickets for a user's sockets: good once and for a short time, and kept as hashes alone. */
import type { Bearer } from "../auth.ts";

interface Ticket {
  readonly bearer: Bearer;
  /** ms since 1970. */
  readonly expiresAt: number;
}

const prefix = "ticket:";

export class Tickets {
  readonly #kv: SyncKvStorage;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  put(hash: string, ticket: Ticket): void {
    this.#kv.put(`${prefix}${hash}`, ticket);
  }

  /** Whoever made it; null for one that is spent, late or was never made. */
  spend(hash: string, now: number): Bearer | null {
    const ticket = this.#kv.get<Ticket>(`${prefix}${hash}`);
    this.#kv.delete(`${prefix}${hash}`);
    return ticket && ticket.expiresAt > now ? ticket.bearer : null;
  }

  /** Forgets those that nobody came with. Returns when the next one has its time, or null. */
  purge(now: number): number | null {
    let next: number | null = null;
    for (const [key, { expiresAt }] of this.#kv.list<Ticket>({ prefix })) {
      if (expiresAt <= now) this.#kv.delete(key);
      else next = Math.min(next ?? expiresAt, expiresAt);
    }
    return next;
  }
}
