/**
 * Shutting out a host's keys: what D1 has decided is told to the host's object, and again by the sweep until it is told.
 */
import { finishRevocation, pendingRevocations, type Revocation } from "../db/revocations.ts";
import type { Env } from "./env.ts";

/** Where it fails, the sweep does it. */
export async function revoke(env: Env, revocation: Revocation): Promise<void> {
  try {
    await env.HOST_LINK.getByName(revocation.hostId).revoke(revocation.hostId, revocation.keySerial);
    await finishRevocation(env.DB, revocation);
  } catch (error) {
    const message = `revoke ${revocation.hostId}: ${(error as Error).message}`;
    console.error(JSON.stringify({ level: "error", source: "revocations", message }));
  }
}

export async function revokeAllPending(env: Env): Promise<void> {
  const pending = await pendingRevocations(env.DB);
  await Promise.all(pending.map((revocation) => revoke(env, revocation)));
}
