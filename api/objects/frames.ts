/** Frames of the link as text, and an order as the frame that delivers it. */
import { AgentFrame, type EdgeFrame, linkLimits } from "../../protocol/agent-link.ts";
import type { OutboxEntry } from "./outbox.ts";

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
