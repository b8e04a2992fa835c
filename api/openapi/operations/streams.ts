import type { ErrorCode } from "../../../protocol/errors.ts";
import { StreamTicket } from "../../../protocol/streams.ts";
import type { OperationDoc, OperationDocs } from "../operation.ts";

const offerErrors = ["VM_NOT_FOUND", "VM_NOT_RUNNING", "HOST_OFFLINE"] as const satisfies readonly ErrorCode[];
const connectErrors = [
  ...(["STREAM_NOT_FOUND", "TICKET_SPENT", "TOO_MANY_CONNECTIONS"] as const),
  ...(["HOST_OFFLINE", "UPGRADE_REQUIRED", "FORBIDDEN", "UNAUTHENTICATED"] as const),
] satisfies readonly ErrorCode[];

const socket =
  "Binary frames are the bytes, at most 64 KiB each from the server. A client that offers the subprotocol " +
  "`voidvm.credit.v1` also gets text frames, and grants credit by them: docs/live.md.";

export const streamDocs = {
  "GET /vms/:id/console/vnc": ticket(
    "getVncConsole",
    "Get a ticket for a machine's screen",
    "noVNC attaches to the address as it is. With `viewOnly=true` input is dropped on the host.",
  ),
  "GET /vms/:id/console/serial": ticket(
    "getSerialConsole",
    "Get a ticket for a machine's serial console",
    "xterm.js attaches to the address as it is. With `viewOnly=true` input is dropped on the host.",
  ),
  "GET /vms/:id/tunnel/ticket": ticket(
    "getTunnelTicket",
    "Get a ticket for a port of a machine",
    "For pages, which can give a WebSocket no headers.",
  ),
  "GET /vms/:id/tunnel": {
    id: "openTunnel",
    tag: "Consoles",
    summary: "Connect to a TCP port of a machine",
    description: `A WebSocket that reaches a port of the guest, behind any NAT. ${socket}`,
    answers: { 101: { description: "The bytes follow." } },
    errors: [...offerErrors, ...connectErrors],
  },
  "GET /streams/:id": {
    id: "openStream",
    tag: "Consoles",
    summary: "Spend a ticket",
    description: `The address that a ticket gives. ${socket}`,
    answers: { 101: { description: "The bytes follow." } },
    errors: connectErrors,
  },
} as const satisfies OperationDocs;

function ticket(id: string, summary: string, description: string): OperationDoc {
  return {
    id,
    tag: "Consoles",
    summary,
    description: `${description} A ticket is good once, and for 30 seconds.`,
    answers: { 200: { description: "The address of a WebSocket, with its ticket.", data: StreamTicket } },
    errors: offerErrors,
  };
}
