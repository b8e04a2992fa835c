/** Until when a host has to take an operation: the same figure for its object, which expires it, and for the API, which tells it. */
import { linkLimits } from "../protocol/agent-link.ts";

/** From and to ISO. */
export function expiryOf(createdAt: string): string {
  return new Date(Date.parse(createdAt) + linkLimits.deliveryDeadlineMs).toISOString();
}
