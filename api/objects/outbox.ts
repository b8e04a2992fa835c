/**
 * The operations that a host's object has taken over and not seen the end of, and the ends that D1 has not heard.
 *
 * An operation is marked as sent before it is sent. Ended ones stay for a week: an id that is here is never taken
 * over again, so an order can't be carried out twice because a read of D1 was stale.
 */
import { expiryOf } from "../../db/expiry.ts";
import type { QueuedOperation } from "../../db/pending.ts";
import type { Change } from "../../db/projection.ts";
import type { OperationKind } from "../../protocol/operations.ts";

/** `sent` to a host whose journal may have it; `accepted`: the journal has it. */
export type OutboxState = "waiting" | "sent" | "accepted" | "ended";

export interface OutboxEntry extends Omit<QueuedOperation, "createdAt"> {
  readonly state: OutboxState;
  /** The journal that it was sent to. */
  readonly journalId: string | null;
  readonly attempt: number;
  /** When it expires if it has not been sent by then, in ms since 1970. */
  readonly deadlineAt: number;
}

const keepEndedMs = 7 * 86_400_000;

export class Outbox {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS operation (
        id TEXT PRIMARY KEY, seq INTEGER NOT NULL, kind TEXT NOT NULL, vm_id TEXT NOT NULL, generation INTEGER NOT NULL,
        input TEXT, state TEXT NOT NULL, journal_id TEXT, attempt INTEGER NOT NULL, deadline_at INTEGER NOT NULL,
        ended_at INTEGER);
      CREATE INDEX IF NOT EXISTS operation_open ON operation (seq) WHERE state <> 'ended';
      CREATE INDEX IF NOT EXISTS operation_ended ON operation (ended_at) WHERE state = 'ended';
      CREATE TABLE IF NOT EXISTS change (n INTEGER PRIMARY KEY AUTOINCREMENT, change TEXT NOT NULL);
    `);
  }

  /** Takes an operation over. Harmless for one that is here or was here. */
  put(operation: QueuedOperation): void {
    const { id, seq, kind, vmId, generation, input, createdAt } = operation;
    this.#sql.exec(
      `INSERT OR IGNORE INTO operation (id, seq, kind, vm_id, generation, input, state, attempt, deadline_at)
       VALUES (?, ?, ?, ?, ?, ?, 'waiting', 0, ?)`,
      ...[id, seq, kind, vmId, generation, JSON.stringify(input), Date.parse(expiryOf(createdAt))],
    );
  }

  find(id: string): OutboxEntry | null {
    const [row] = this.#sql.exec<OutboxRow>("SELECT * FROM operation WHERE id = ?", id);
    return row ? toEntry(row) : null;
  }

  /** All that has not ended, in the order in which the API accepted it. */
  open(): OutboxEntry[] {
    return [...this.#sql.exec<OutboxRow>("SELECT * FROM operation WHERE state <> 'ended' ORDER BY seq")].map(toEntry);
  }

  /** Must be called before the frame is sent. */
  sent(id: string, journalId: string): void {
    this.#sql.exec(
      "UPDATE operation SET state = 'sent', journal_id = ?, attempt = attempt + 1 WHERE id = ?",
      journalId,
      id,
    );
  }

  /** False when it was accepted or has ended before. */
  accepted(id: string): boolean {
    return this.#changed("UPDATE operation SET state = 'accepted' WHERE id = ? AND state IN ('waiting', 'sent')", id);
  }

  waitAgain(id: string): void {
    this.#sql.exec("UPDATE operation SET state = 'waiting' WHERE id = ? AND state = 'sent'", id);
  }

  /** Ends it here. False when it had ended or was never here: then the end has been projected already. */
  end(id: string): boolean {
    return this.#changed(
      "UPDATE operation SET state = 'ended', input = NULL, ended_at = ? WHERE id = ? AND state <> 'ended'",
      Date.now(),
      id,
    );
  }

  /** The next moment at which a waiting operation expires; null when nothing waits. */
  nextDeadline(): number | null {
    const row = this.#sql
      .exec<{ at: number | null }>(
        // The first condition is the index's own: without it a look at an idle host reads a week of ended ones.
        "SELECT min(deadline_at) AS at FROM operation WHERE state <> 'ended' AND state = 'waiting'",
      )
      .one();
    return row.at;
  }

  expired(now: number): OutboxEntry[] {
    return this.open().filter(({ state, deadlineAt }) => state === "waiting" && deadlineAt <= now);
  }

  purge(now: number): void {
    this.#sql.exec("DELETE FROM operation WHERE state = 'ended' AND ended_at < ?", now - keepEndedMs);
  }

  /** A change on its way to D1. */
  addChange(change: Change): void {
    this.#sql.exec("INSERT INTO change (change) VALUES (?)", JSON.stringify(change));
  }

  changes(limit: number): { n: number; change: Change }[] {
    const rows = this.#sql.exec<{ n: number; change: string }>("SELECT * FROM change ORDER BY n LIMIT ?", limit);
    return [...rows].map(({ n, change }) => ({ n, change: JSON.parse(change) as Change }));
  }

  /** Whether an operation's end is still on its way. */
  isEndUnderWay(operationId: string): boolean {
    const rows = this.#sql.exec(
      "SELECT 1 FROM change WHERE json_extract(change, '$.type') = 'ended' AND json_extract(change, '$.operationId') = ?",
      operationId,
    );
    return rows.toArray().length > 0;
  }

  /** Nothing is left to deliver or to tell. */
  clear(): void {
    this.#sql.exec("DELETE FROM operation; DELETE FROM change;");
  }

  removeChanges(upTo: number): void {
    this.#sql.exec("DELETE FROM change WHERE n <= ?", upTo);
  }

  #changed(statement: string, ...values: (string | number)[]): boolean {
    return this.#sql.exec(statement, ...values).rowsWritten > 0;
  }
}

type OutboxRow = {
  id: string;
  seq: number;
  kind: OperationKind;
  vm_id: string;
  generation: number;
  input: string | null;
  state: OutboxState;
  journal_id: string | null;
  attempt: number;
  deadline_at: number;
};

function toEntry(row: OutboxRow): OutboxEntry {
  return {
    id: row.id,
    seq: row.seq,
    kind: row.kind,
    vmId: row.vm_id,
    generation: row.generation,
    input: row.input === null ? null : JSON.parse(row.input),
    state: row.state,
    journalId: row.journal_id,
    attempt: row.attempt,
    deadlineAt: row.deadline_at,
  };
}
