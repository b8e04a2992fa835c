import { EventList } from "../../../protocol/events.ts";
import type { OperationDocs } from "../operation.ts";

const description =
  "Oldest first: what follows `after`, or the oldest that are kept. Ask again with the `after` of the answer. Events are kept for seven days.";

export const eventDocs = {
  "GET /events": {
    id: "listEvents",
    tag: "Events",
    summary: "Read what happened, in order",
    description,
    answers: { 200: { description: "A page of them.", data: EventList } },
    errors: ["EVENTS_EXPIRED"],
  },
  "GET /vms/:id/events": {
    id: "listVmEvents",
    tag: "Virtual machines",
    summary: "Read what happened to a machine, in order",
    description,
    answers: { 200: { description: "A page of them.", data: EventList } },
    errors: ["VM_NOT_FOUND", "EVENTS_EXPIRED"],
  },
} as const satisfies OperationDocs;
