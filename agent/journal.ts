/**
 * What the agent must not forget: operations from the moment they are accepted, the step that each has reached,
 * and events that the edge has not acknowledged.
 *
 * SQLite with WAL and synchronous FULL: a call that returns is on disk. Ended operations stay for a week, so that
 * an order which is sent again is answered with its first outcome instead of being carried out a second time.
 */
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, renameSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { JournalEntry, Outcome } from "../protocol/agent-link.ts";
import type { OperationKind, VmReport } from "../protocol/operations.ts";

/** `undoing`: a step has failed and its outcome is settled; what the earlier steps did is being taken back. */
export type JournalState = "accepted" | "running" | "undoing" | "done" | "acknowledged";

export interface JournalOperation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly vmId: string;
  readonly generation: number;
  readonly input: unknown;
  readonly state: JournalState;
  readonly outcome: Outcome | null;
  readonly vm: VmReport | null;
}

export interface JournalEvent {
  readonly sequence: number;
  readonly event: "vm.powered-off" | "vm.crashed" | "vm.no-space" | "vm.recovered";
  readonly vm: VmReport;
  readonly message: string;
}

export type StepPhase = "before" | "after";

const schema = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS operation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, vm_id TEXT NOT NULL,
    generation INTEGER NOT NULL, input TEXT, state TEXT NOT NULL, outcome TEXT, vm TEXT, ended_at INTEGER);
  CREATE INDEX IF NOT EXISTS operation_open ON operation (seq) WHERE state <> 'acknowledged';
  CREATE TABLE IF NOT EXISTS step (
    operation_id TEXT NOT NULL, name TEXT NOT NULL, phase TEXT NOT NULL, PRIMARY KEY (operation_id, name));
  CREATE TABLE IF NOT EXISTS event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, vm TEXT NOT NULL, message TEXT NOT NULL);
`;

const keepAcknowledgedMs = 7 * 86_400_000;

/** Opens the journal, or makes a new one with a new id where there is none or where it cannot be read. */
export function openJournal(file: string, log: (line: string) => void = () => {}): Journal {
  try {
    return new Journal(file);
  } catch (error) {
    if (!isDamage(error)) throw error;
    // The edge sees another journal id and settles what this one knew as `unknown`. Nothing runs again by itself.
    const aside = `${file}.damaged-${Date.now()}`;
    for (const suffix of ["", "-wal", "-shm"]) {
      if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    }
    log(`The journal could not be read (${(error as Error).message}). It was kept as ${aside} and a new one begun.`);
    return new Journal(file);
  }
}

/** SQLite's own verdicts: the file is not a database, is malformed, or fails its check. */
function isDamage(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code === 11 || code === 26 || error instanceof JournalDamaged;
}

class JournalDamaged extends Error {}

export class Journal {
  readonly id: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    try {
      this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
      const check = this.#db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
      if (check.quick_check !== "ok") throw new JournalDamaged(check.quick_check);
      this.#db.exec(schema);
      // A first password may wait in here until its machine is made.
      chmodSync(file, 0o600);
      this.#run("INSERT OR IGNORE INTO meta VALUES ('id', ?)", randomUUID());
      this.id = this.#meta("id") as string;
      this.#purge();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  get greatestEpoch(): number {
    return Number(this.#meta("epoch") ?? 0);
  }

  rememberEpoch(epoch: number): void {
    this.#setMeta("epoch", `${epoch}`);
  }

  /** True when the host has restarted since the last call. */
  noteBoot(bootId: string): boolean {
    const last = this.#meta("boot");
    if (last !== bootId) this.#setMeta("boot", bootId);
    return last !== null && last !== bootId;
  }

  /** Puts the operation on disk. False when the journal has it already. */
  accept(operation: Pick<JournalOperation, "id" | "kind" | "vmId" | "generation" | "input">): boolean {
    const { id, kind, vmId, generation, input } = operation;
    return this.#run(
      `INSERT OR IGNORE INTO operation (id, kind, vm_id, generation, input, state) VALUES (?, ?, ?, ?, ?, 'accepted')`,
      ...[id, kind, vmId, generation, JSON.stringify(input)],
    );
  }

  find(id: string): JournalOperation | null {
    const row = this.#prepare("SELECT * FROM operation WHERE id = ?").get(id);
    return row ? toOperation(row as unknown as OperationRow) : null;
  }

  /** Operations that must still be carried out, in the order in which they were accepted. */
  unfinished(): JournalOperation[] {
    return this.#operations("state IN ('accepted', 'running', 'undoing')");
  }

  /** Operations whose end the edge has not acknowledged. */
  unacknowledged(): JournalOperation[] {
    return this.#operations("state = 'done'");
  }

  /** What the report tells the edge. */
  entries(): JournalEntry[] {
    return this.#operations("state <> 'acknowledged'").map(({ id, vmId, state }) => ({
      operationId: id,
      vmId,
      state: state === "done" ? "done" : state === "accepted" ? "accepted" : "running",
    }));
  }

  phase(operationId: string, step: string): StepPhase | null {
    const row = this.#prepare("SELECT phase FROM step WHERE operation_id = ? AND name = ?").get(operationId, step);
    return row ? (row["phase"] as StepPhase) : null;
  }

  /** Marks several steps in one write: the end of one and the beginning of the next belong together. */
  mark(operationId: string, marks: readonly (readonly [step: string, phase: StepPhase])[]): void {
    this.#transaction(() => {
      this.#run("UPDATE operation SET state = 'running' WHERE id = ? AND state = 'accepted'", operationId);
      for (const [step, phase] of marks) {
        this.#run(
          `INSERT INTO step VALUES (?, ?, ?) ON CONFLICT (operation_id, name) DO UPDATE SET phase = excluded.phase`,
          ...[operationId, step, phase],
        );
      }
    });
  }

  /** Settles a failure before its undoing begins, so that an agent that dies in between goes on undoing. */
  undo(operationId: string, outcome: Outcome): void {
    this.#run("UPDATE operation SET state = 'undoing', outcome = ? WHERE id = ?", JSON.stringify(outcome), operationId);
  }

  /** Ends the operation. Its input goes: it may hold a password. */
  finish(operationId: string, outcome: Outcome, vm: VmReport | null): void {
    this.#transaction(() => {
      this.#run(
        "UPDATE operation SET state = 'done', outcome = ?, vm = ?, input = NULL, ended_at = ? WHERE id = ?",
        ...[JSON.stringify(outcome), JSON.stringify(vm), Date.now(), operationId],
      );
      this.#run("DELETE FROM step WHERE operation_id = ?", operationId);
    });
  }

  acknowledge(operationId: string): void {
    this.#run("UPDATE operation SET state = 'acknowledged' WHERE id = ? AND state = 'done'", operationId);
  }

  addEvent(event: JournalEvent["event"], vm: VmReport, message: string): JournalEvent {
    this.#run("INSERT INTO event (event, vm, message) VALUES (?, ?, ?)", event, JSON.stringify(vm), message);
    const row = this.#prepare("SELECT last_insert_rowid() AS sequence").get() as { sequence: number };
    return { sequence: row.sequence, event, vm, message };
  }

  events(): JournalEvent[] {
    const rows = this.#prepare("SELECT * FROM event ORDER BY sequence").all();
    return rows.map((row) => ({ ...row, vm: JSON.parse(row["vm"] as string) }) as unknown as JournalEvent);
  }

  acknowledgeEvents(upTo: number): void {
    this.#run("DELETE FROM event WHERE sequence <= ?", upTo);
  }

  close(): void {
    this.#db.close();
  }

  #operations(condition: string): JournalOperation[] {
    const rows = this.#prepare(`SELECT * FROM operation WHERE ${condition} ORDER BY seq`).all();
    return rows.map((row) => toOperation(row as unknown as OperationRow));
  }

  #meta(key: string): string | null {
    const row = this.#prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return row ? (row["value"] as string) : null;
  }

  #setMeta(key: string, value: string): void {
    this.#run("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);
  }

  #purge(): void {
    this.#run(
      "DELETE FROM operation WHERE state = 'acknowledged' AND ended_at < ?",
      `${Date.now() - keepAcknowledgedMs}`,
    );
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** True when the statement changed a row. */
  #run(sql: string, ...values: (string | number | null)[]): boolean {
    return Number(this.#prepare(sql).run(...values).changes) > 0;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }
}

interface OperationRow {
  id: string;
  kind: OperationKind;
  vm_id: string;
  generation: number;
  input: string | null;
  state: JournalState;
  outcome: string | null;
  vm: string | null;
}

function toOperation(row: OperationRow): JournalOperation {
  return {
    id: row.id,
    kind: row.kind,
    vmId: row.vm_id,
    generation: row.generation,
    input: row.input === null ? null : JSON.parse(row.input),
    state: row.state,
    outcome: row.outcome === null ? null : JSON.parse(row.outcome),
    vm: row.vm === null ? null : JSON.parse(row.vm),
  };
}
