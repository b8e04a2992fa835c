/** Who asks: from the bearer token to the caller, with one call of the user's object and none of D1. */
import type { Context } from "hono";
import { errorTable } from "../protocol/errors.ts";
import type { AppEnv, Caller } from "./env.ts";
import { ApiError } from "./errors.ts";
import { hashSecret } from "./ids.ts";
import { admitAddress, askFor, assertAdmitted, callGate, userGate } from "./limits.ts";
import type { Credential, Refusal } from "./objects/user-sessions.ts";
import { parsePersonalToken } from "./personal-tokens.ts";
import { verifyAccessToken } from "./tokens.ts";

/** Errors: UNAUTHENTICATED, TOKEN_EXPIRED, RATE_LIMITED. */
export async function authenticate(c: Context<AppEnv>): Promise<Caller> {
  try {
    return await admittedCaller(c);
  } catch (error) {
    // Who has not shown who they are is limited by address.
    if (error instanceof ApiError && errorTable[error.code].status === 401) await admitAddress(c);
    throw error;
  }
}

async function admittedCaller(c: Context<AppEnv>): Promise<Caller> {
  const { userId, credential } = await credentialOf(c);
  const ask = await askFor(c);
  const entry = await callGate(c, userGate(userId), async (gate) => await gate.enter(userId, credential, ask));
  const { caller, refusal, standing } = entry;
  if (!caller || !standing) throw refusals[refusal ?? "unknown"]();
  assertAdmitted(c, standing);
  return caller;
}

/** What a request came with, verified as far as that goes without its user's object. Errors: UNAUTHENTICATED, TOKEN_EXPIRED. */
export async function credentialOf(c: Context<AppEnv>): Promise<Bearer> {
  if (c.env.CALLER) return c.env.CALLER;
  const [scheme, bearer, ...rest] = authorizationOf(c).split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !bearer || rest.length > 0) {
    throw new ApiError(
      "UNAUTHENTICATED",
      "Send 'Authorization: Bearer <token>' with a token from POST /api/v1/auth/login",
    );
  }
  return bearerOf(c.env.VOIDVM_JWT_KEYS, bearer);
}

export interface Bearer {
  readonly userId: string;
  readonly credential: Credential;
  /** ms since 1970; null: the user's object knows. */
  readonly expiresAt: number | null;
}

/** What a token says of its bearer; whether that still holds, the user's object knows. Errors: as `verifyAccessToken`. */
export async function bearerOf(keys: string, token: string): Promise<Bearer> {
  const personal = parsePersonalToken(token);
  if (personal) {
    return { userId: personal.userId, credential: { type: "token", hash: await hashSecret(token) }, expiresAt: null };
  }
  const { sub, sid = null, exp } = await verifyAccessToken(keys, token);
  return { userId: sub, credential: { type: "session", id: sid }, expiresAt: exp * 1000 };
}

/** A page can give a WebSocket no headers, so an upgrade may bring its token in the address. */
function authorizationOf(c: Context<AppEnv>): string {
  const inAddress = c.req.header("Upgrade") === undefined ? undefined : c.req.query("token");
  return c.req.header("Authorization") ?? (inAddress === undefined ? "" : `Bearer ${inAddress}`);
}

export const refusals: Readonly<Record<Refusal, () => ApiError>> = {
  unknown: () => new ApiError("UNAUTHENTICATED", "The token is not valid here"),
  disabled: () => new ApiError("UNAUTHENTICATED", "The token's user is gone or disabled"),
  ended: () => new ApiError("UNAUTHENTICATED", "The session has ended or the token was revoked: log in again"),
  expired: () => new ApiError("TOKEN_EXPIRED", "The token has expired: make a new one"),
};
