/** A journal that lasts as long as the process: a simulated agent restarts without losing it, unless it is to lose it. */
import { randomUUID } from "node:crypto";
import type { JournalEvent, JournalOperation, JournalState } from "../../agent/journal.ts";
import type { SessionJournal } from "../../agent/session.ts";
import type { JournalEntry, Outcome } from "../../protocol/agent-link.ts";
import type { VmReport } from "../../protocol/operations.ts";

export class MemoryJournal implements SessionJournal {
  readonly id = randomUUID();
  greatestEpoch = 0;
  readonly #operations = new Map<string, JournalOperation>();
  #events: JournalEvent[] = [];
  #sequence = 0;

  rememberEpoch(epoch: number): void {
    this.greatestEpoch = epoch;
  }

  accept(operation: Pick<JournalOperation, "id" | "kind" | "vmId" | "generation" | "input">): boolean {
    if (this.#operations.has(operation.id)) return false;
    this.#operations.set(operation.id, { ...operation, state: "accepted", outcome: null, vm: null });
    return true;
  }

  find(id: string): JournalOperation | null {
    return this.#operations.get(id) ?? null;
  }

  finish(id: string, outcome: Outcome, vm: VmReport | null): void {
    this.#change(id, { state: "done", outcome, vm, input: null });
  }

  acknowledge(id: string): void {
    if (this.find(id)?.state === "done") this.#change(id, { state: "acknowledged" });
  }

  unfinished(): JournalOperation[] {
    return this.#in("accepted");
  }

  unacknowledged(): JournalOperation[] {
    return this.#in("done");
  }

  entries(): JournalEntry[] {
    return this.#in("accepted", "done").map(({ id, vmId, state }) => ({
      operationId: id,
      vmId,
      state: state as JournalEntry["state"],
    }));
  }

  addEvent(event: JournalEvent["event"], vm: VmReport, message: string): JournalEvent {
    const entry = { sequence: ++this.#sequence, event, vm, message };
    this.#events.push(entry);
    return entry;
  }

  events(): JournalEvent[] {
    return [...this.#events];
  }

  acknowledgeEvents(upTo: number): void {
    this.#events = this.#events.filter(({ sequence }) => sequence > upTo);
  }

  #change(id: string, values: Partial<JournalOperation>): void {
    const operation = this.#operations.get(id);
    if (operation) this.#operations.set(id, { ...operation, ...values });
  }

  #in(...states: JournalState[]): JournalOperation[] {
    return [...this.#operations.values()].filter(({ state }) => states.includes(state));
  }
}
