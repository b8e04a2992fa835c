/** What a client has sent before the host was there, in order, on disk: the object may be evicted while it waits. */
import { streamLimits } from "../../protocol/streams.ts";

/** A row may have 2 MB. */
const maxRowBytes = 1_048_576;

export class PendingMessages {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS pending (n INTEGER PRIMARY KEY, message BLOB NOT NULL)");
  }

  /** False when it is more than may wait. */
  add(message: ArrayBuffer | string): boolean {
    const { bytes } = this.#sql
      .exec<{ bytes: number }>("SELECT COALESCE(sum(length(message)), 0) AS bytes FROM pending")
      .one();
    const size = typeof message === "string" ? message.length : message.byteLength;
    if (bytes + size > streamLimits.unawareBytes) return false;
    for (let from = 0; from < size; from += maxRowBytes) {
      this.#sql.exec("INSERT INTO pending (message) VALUES (?)", message.slice(from, from + maxRowBytes));
    }
    return true;
  }

  /** All of it, in order, and nothing is left. */
  take(): (ArrayBuffer | string)[] {
    const rows = [...this.#sql.exec<{ message: ArrayBuffer | string }>("SELECT message FROM pending ORDER BY n")];
    this.#sql.exec("DELETE FROM pending");
    return rows.map(({ message }) => message);
  }
}
