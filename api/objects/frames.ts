/** Frames of the link as the object reads and writes them, and how an operation ends that its host did not end. */
import { AgentFrame, type EdgeFrame, linkLimits } from "../../protocol/agent-link.ts";
import type { Change } from "../../db/projection.ts";
import type { OutboxEntry } from "./outbox.ts";

/** Null for what is no frame of this protocol. */
export function parseFrame(message: string | ArrayBuffer): AgentFrame | null {
  if (typeof message !== "string" || message.length > linkLimits.maxFrameBytes) return null;
  try {
    return AgentFrame.parse(JSON.parse(message));
  } catch {
    return null;
  }
}

export function executeFrame(entry: OutboxEntry, epoch: number): EdgeFrame {
  return {
    type: "execute",
    epoch,
    operationId: entry.id,
    kind: entry.kind,
    vmId: entry.vmId,
    generation: entry.generation,
    input: entry.input,
    deadlineMs: Math.max(0, entry.deadlineAt - Date.now()),
    attempt: entry.attempt + 1,
  };
}

/** The end of an operation of which the host has said nothing, and so nothing of its machine either. */
export function endedUnseen(
  { id, kind, vmId }: Pick<OutboxEntry, "id" | "kind" | "vmId">,
  status: "failed" | "cancelled" | "unknown",
  code: string,
  message: string,
): Extract<Change, { type: "ended" }> {
  const outcome = { status, code, message, result: null };
  return { type: "ended", at: iso(), operationId: id, kind, vmId, vm: "unseen", outcome };
}

export function iso(time: number = Date.now()): string {
  return new Date(time).toISOString();
}
