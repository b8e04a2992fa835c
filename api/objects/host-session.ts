/** What a host's object remembers of its sessions: one row, so that memory may go at any time. */
import type { LinkFeature } from "../../protocol/agent-link.ts";

export interface HostSession {
  hostId: string;
  /** Rises with every accepted connection and is stored before the agent is told. */
  epoch: number;
  /** The journal and boot of the agent that said hello last. */
  journalId: string;
  bootId: string;
  /** What its agent knows beyond the first version of the protocol. */
  features: readonly string[];
  /** The last event that was taken from that journal. */
  eventSequence: number;
  connected: boolean;
  /** The agent has reported, so operations may be sent. */
  synced: boolean;
  /** When it was noticed that the runtime had taken the socket of a session with it; null: it has not. ms since 1970. */
  socketGoneAt: number | null;
  /** The host was deleted: nothing connects any more. */
  revoked: boolean;
  /** The newest of the host's keys that was heard of; older ones open nothing. */
  keySerial: number;
  /** When living sessions were replaced of late, in ms since 1970. */
  replacedAt: number[];
  /** Two agents use the host's key: nothing connects and nothing is sent until somebody has decided. */
  quarantined: boolean;
  /** Machines were reported of which D1 has not been asked whether it knows them. */
  unaccounted: boolean;
}

const none: HostSession = {
  hostId: "",
  epoch: 0,
  journalId: "",
  bootId: "",
  features: [],
  eventSequence: 0,
  connected: false,
  synced: false,
  socketGoneAt: null,
  revoked: false,
  keySerial: 0,
  replacedAt: [],
  quarantined: false,
  unaccounted: false,
};

/** `described`: machines of which the agent has been asked what they are. */
export type Reported = "vm" | "operation" | "described";

export class HostSessionStore {
  readonly #sql: SqlStorage;
  #session: HostSession;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS session (one INTEGER PRIMARY KEY CHECK (one = 1), value TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS reported (kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, id));
      CREATE TABLE IF NOT EXISTS token (jti TEXT PRIMARY KEY, expires_at INTEGER NOT NULL);
    `);
    const [row] = sql.exec<{ value: string }>("SELECT value FROM session");
    this.#session = { ...none, ...(row ? (JSON.parse(row.value) as Partial<HostSession>) : {}) };
  }

  get current(): Readonly<HostSession> {
    return this.#session;
  }

  update(values: Partial<HostSession>): void {
    this.#session = { ...this.#session, ...values };
    this.#sql.exec("INSERT OR REPLACE INTO session VALUES (1, ?)", JSON.stringify(this.#session));
  }

  /** Whether the agent knows the frames of this feature: they end the connection of one that doesn't. */
  supports(feature: LinkFeature): boolean {
    return this.#session.features.includes(feature);
  }

  /** False when the token has opened a connection before. Kept for as long as it could be used again. */
  spendToken(jti: string, now: number, lifeMs: number): boolean {
    this.#sql.exec("DELETE FROM token WHERE expires_at < ?", now);
    return this.#sql.exec("INSERT OR IGNORE INTO token VALUES (?, ?)", jti, now + lifeMs).rowsWritten > 0;
  }

  /** A report comes in pages, and the object may be evicted between two of them. */
  forgetReport(): void {
    this.#sql.exec("DELETE FROM reported");
  }

  addReported(kind: Reported, ids: readonly string[]): void {
    for (const id of ids) this.#sql.exec("INSERT OR IGNORE INTO reported VALUES (?, ?)", kind, id);
  }

  reported(kind: Reported): string[] {
    return [...this.#sql.exec<{ id: string }>("SELECT id FROM reported WHERE kind = ?", kind)].map(({ id }) => id);
  }
}
