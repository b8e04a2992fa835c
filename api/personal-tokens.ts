/**
 * Personal access tokens and refresh tokens: `vvm_<user>_<secret>` and `vvr_<secret>`, the secret 256 bits of chance.
 *
 * A personal one names its user, so that the user's object can judge it and D1 isn't asked. A fixed prefix lets
 * scanners find tokens where they shouldn't be.
 */
import { newSecret } from "./ids.ts";

const form = /^vvm_([0-9a-hjkmnp-tv-z]{26})_[A-Za-z0-9_-]{43}$/;

export function newPersonalToken(userId: string): string {
  return `vvm_${userId.slice("user-".length)}_${newSecret()}`;
}

/** Null for what has not the form of one. */
export function parsePersonalToken(token: string): { readonly userId: string } | null {
  const ulid = form.exec(token)?.[1];
  return ulid === undefined ? null : { userId: `user-${ulid}` };
}

export function newRefreshToken(): string {
  return `vvr_${newSecret()}`;
}
