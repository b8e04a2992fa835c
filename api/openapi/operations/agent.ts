import { EnrolResult } from "../../../protocol/agent-link.ts";
import type { OperationDocs } from "../operation.ts";

export const agentDocs = {
  "POST /agent/enrol": {
    id: "enrolHost",
    tag: "Agents",
    summary: "Spend an enrolment token",
    description: "The token in the body is the right to do so; the proof shows that the asker holds the key.",
    answers: { 200: { description: "The host that the agent is from now on.", data: EnrolResult } },
    errors: ["UNAUTHENTICATED", "ENROLMENT_SPENT", "ENROLMENT_EXPIRED"],
  },
  "GET /agent/link": {
    id: "openAgentLink",
    tag: "Agents",
    summary: "Open a host's WebSocket",
    answers: { 101: { description: "The link is open." } },
    errors: ["UNAUTHENTICATED", "TOKEN_EXPIRED", "UPGRADE_REQUIRED"],
  },
  "GET /agent/stream": {
    id: "openAgentStream",
    tag: "Agents",
    summary: "Open a WebSocket for a stream that a client waits for",
    answers: { 101: { description: "The stream is joined to its client." } },
    errors: ["UNAUTHENTICATED", "TOKEN_EXPIRED", "STREAM_NOT_FOUND", "UPGRADE_REQUIRED"],
  },
} as const satisfies OperationDocs;
