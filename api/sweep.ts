/** Once a minute: wakes hosts' objects for operations that nobody told them of, because a call was lost. */
import { hostsWithForgottenOperations } from "../db/operations.ts";
import type { Env } from "./env.ts";

const forgottenAfterMs = 10_000;

export async function sweep(env: Env, now: number = Date.now()): Promise<void> {
  const before = new Date(now - forgottenAfterMs).toISOString();
  const hostIds = await hostsWithForgottenOperations(env.DB, before);
  await Promise.allSettled(hostIds.map((hostId) => env.HOST_LINK.getByName(hostId).wake(hostId)));
}
