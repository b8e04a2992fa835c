/**
 * Answers to requests that bore an `Idempotency-Key`, so that the same request again gets the same answer.
 *
 * The key is claimed before the work begins and keeps the id that its operation will have. Where the edge died in the
 * middle, the claim lapses, and who comes next works under the same id: D1 takes an operation's id once.
 */
export interface Claim {
  /** A hash of the key. */
  readonly key: string;
  /** A keyed hash of method, path and body. */
  readonly fingerprint: string;
  /** The id of the operation that the request may start. */
  readonly operationId: string;
}

export interface KeptAnswer {
  readonly status: number;
  /** Headers and body, sealed by the Worker: an answer may show a secret once. */
  readonly sealed: ArrayBuffer;
}

export type ClaimResult =
  | { readonly state: "begin"; readonly operationId: string; readonly again: boolean }
  | { readonly state: "running" }
  | { readonly state: "mismatch" }
  | { readonly state: "done"; readonly answer: KeptAnswer };

export const keepReplaysMs = 24 * 3_600_000;
/** Longer than any request lives: the longest waits 55 s for its operation. */
const claimMs = 120_000;

type Row = {
  fingerprint: string;
  operation_id: string;
  claimed_at: number;
  status: number | null;
  sealed: ArrayBuffer;
};

export class Replays {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  claim({ key, fingerprint, operationId }: Claim, now: number): ClaimResult {
    this.#prepare();
    const [row] = this.#sql.exec<Row>("SELECT * FROM replay WHERE key = ? AND first_at > ?", key, now - keepReplaysMs);
    if (!row) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO replay (key, fingerprint, operation_id, first_at, claimed_at) VALUES (?, ?, ?, ?, ?)",
        ...[key, fingerprint, operationId, now, now],
      );
      return { state: "begin", operationId, again: false };
    }
    if (row.fingerprint !== fingerprint) return { state: "mismatch" };
    if (row.status !== null) return { state: "done", answer: { status: row.status, sealed: row.sealed } };
    if (row.claimed_at > now - claimMs) return { state: "running" };
    this.#sql.exec("UPDATE replay SET claimed_at = ? WHERE key = ?", now, key);
    return { state: "begin", operationId: row.operation_id, again: true };
  }

  keep(key: string, { status, sealed }: KeptAnswer): void {
    this.#prepare();
    this.#sql.exec("UPDATE replay SET status = ?, sealed = ? WHERE key = ?", status, sealed, key);
  }

  /** A failure that may pass: the next request with the key works again, and under the same operation id. */
  release(key: string): void {
    this.#prepare();
    this.#sql.exec("UPDATE replay SET claimed_at = 0 WHERE key = ? AND status IS NULL", key);
  }

  /** Forgets what is too old. The time at which the next is; null when nothing is left. */
  purge(now: number): number | null {
    this.#prepare();
    this.#sql.exec("DELETE FROM replay WHERE first_at <= ?", now - keepReplaysMs);
    const { at } = this.#sql.exec<{ at: number | null }>("SELECT min(first_at) AS at FROM replay").one();
    return at === null ? null : at + keepReplaysMs;
  }

  /** Most users never send a key, and the object may have emptied its storage: the table is made when it is needed. */
  #prepare(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS replay (
      key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, operation_id TEXT NOT NULL, first_at INTEGER NOT NULL,
      claimed_at INTEGER NOT NULL, status INTEGER, sealed BLOB)`);
  }
}
