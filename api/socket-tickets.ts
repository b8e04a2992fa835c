/** Tickets that open a socket on `/ws`: `vvs_<user>_<secret>`. They name their user, whose object knows the rest. */
import { ApiError } from "./errors.ts";
import { newSecret } from "./ids.ts";

const form = /^vvs_([0-9a-hjkmnp-tv-z]{26})_[A-Za-z0-9_-]{43}$/;

export function newSocketTicket(userId: string): string {
  return `vvs_${userId.slice("user-".length)}_${newSecret()}`;
}

/** Errors: UNAUTHENTICATED. */
export function parseSocketTicket(ticket: string): { readonly userId: string } {
  const ulid = form.exec(ticket)?.[1];
  if (ulid === undefined) throw new ApiError("UNAUTHENTICATED", "This is no ticket: ask for one at /auth/ws-ticket");
  return { userId: `user-${ulid}` };
}
