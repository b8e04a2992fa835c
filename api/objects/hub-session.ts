/** From a token, a ticket or a verified credential to who a connection is, judged by the user's object. */
import { isAllowed, type Permission, roles } from "../../protocol/permissions.ts";
import { type Bearer, refusals } from "../auth.ts";
import type { Caller, Env } from "../env.ts";
import { ApiError } from "../errors.ts";
import { userGate } from "../limits.ts";
import type { Session } from "./hub-connection.ts";
import type { Verdict } from "./user-sessions.ts";

/** What connections need; actions are judged by the API. */
const needed: readonly Permission[] = [
  ...(["vm:read", "vm:console", "vm:tunnel", "operation:read", "event:read", "host:read"] as const),
  ...(["image:read", "user:read", "config:read", "system:read"] as const),
];

/** Counts as a request. Errors: UNAUTHENTICATED, TOKEN_EXPIRED, RATE_LIMITED. */
export async function enteredSession(env: Env, bearer: Bearer, requestsPerMinute: number): Promise<Session> {
  const gate = env.USER_GATE.getByName(userGate(bearer.userId));
  const entry = await gate.enter(bearer.userId, bearer.credential, { cost: 1, limit: requestsPerMinute });
  if (entry.standing && !entry.standing.allowed) {
    const { limit, resetSeconds } = entry.standing;
    throw new ApiError("RATE_LIMITED", `${limit} a minute are allowed; wait ${resetSeconds} s`, {
      retryAfter: resetSeconds,
    });
  }
  return judged(entry, bearer);
}

/** As it is now. Errors: UNAUTHENTICATED, TOKEN_EXPIRED. */
export async function presentSession(env: Env, bearer: Bearer): Promise<Session> {
  return judged(await presentVerdict(env, bearer), bearer);
}

export async function presentVerdict(env: Env, { userId, credential }: Bearer): Promise<Verdict> {
  return env.USER_GATE.getByName(userGate(userId)).judge(userId, credential);
}

export function bearerOfSession({ id, credential, expiresAt }: Session): Bearer {
  return { userId: id, credential, expiresAt };
}

function judged(verdict: Verdict, { credential, expiresAt }: Bearer): Session {
  if (!verdict.caller) throw refusals[verdict.refusal]();
  if (expiresAt !== null && expiresAt <= Date.now()) throw refusals.expired();
  const until = verdict.expiresAt ?? expiresAt;
  return { ...sessionOf(verdict.caller), credential, expiresAt: until, judgedAt: Date.now() };
}

function sessionOf(caller: Caller) {
  const { id, name, role } = caller;
  const may = needed.filter((permission) => isAllowed(caller, permission));
  return { id, name, seesAll: roles[role].sees === "all", may };
}
