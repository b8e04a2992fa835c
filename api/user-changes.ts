/** Changes of what somebody may do, made so that they hold from the next request on, and end what is connected. */
import type { Context } from "hono";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import { tellHubOfRights } from "./hubs.ts";
import { userGate } from "./limits.ts";

/** Errors: UNAVAILABLE where the user's object doesn't answer; nothing was changed then. */
export async function changeUser<T>(c: Context<AppEnv>, userId: string, change: () => Promise<T>): Promise<T> {
  const gate = c.env.USER_GATE.getByName(userGate(userId));
  const id = crypto.randomUUID();
  try {
    await gate.hold(id);
  } catch {
    throw new ApiError("UNAVAILABLE", "The user's object does not answer; nothing was changed", { retryAfter: 1 });
  }
  try {
    return await change();
  } finally {
    // The hold lapses by itself where this is lost.
    await gate.release(id).catch(() => {});
    c.executionCtx.waitUntil(tellHubOfRights(c.env, userId));
  }
}
