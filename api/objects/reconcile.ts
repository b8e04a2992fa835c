/** What an agent's report means for the operations that it was sent: which to send again, which nobody can know. */
import type { HostSessionStore } from "./host-session.ts";
import type { Outbox, OutboxEntry } from "./outbox.ts";

export interface Settlement {
  /** In the agent's journal and without an end here: it goes on and tells the end. */
  readonly wanted: string[];
  /** Sent to a journal that is gone. Sent again, they could take effect twice. */
  readonly unknown: OutboxEntry[];
}

/** Applied when the last page of a report is in. What is not in the journal it was sent to never arrived, and waits again. */
export function settleReport(outbox: Outbox, session: HostSessionStore): Settlement {
  const reported = new Set(session.reported("operation"));
  const { journalId } = session.current;
  const settlement: Settlement = { wanted: [], unknown: [] };
  for (const entry of outbox.open()) {
    if (reported.has(entry.id)) {
      outbox.accepted(entry.id);
      settlement.wanted.push(entry.id);
    } else if (entry.state === "sent" && entry.journalId === journalId) {
      outbox.waitAgain(entry.id);
    } else if (entry.state !== "waiting") {
      settlement.unknown.push(entry);
    }
  }
  return settlement;
}
