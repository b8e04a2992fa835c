/**
 * Once a minute: wakes hosts' objects for operations that nobody told them of because a call was lost, measures how the
 * whole stands, forgets what has had its time, and goes on
 * with the roll-out of a new version of the agent.
 */
import { deleteOldLogs } from "../db/logs.ts";
import { hostsWithForgottenOperations } from "../db/operations.ts";
import { takeSample } from "../db/samples.ts";
import { deleteOldSessions } from "../db/sessions.ts";
import { rollOut } from "./agent-updates.ts";
import type { Env } from "./env.ts";

const forgottenAfterMs = 10_000;
const dayMs = 86_400_000;
const keepLogsMs = 30 * dayMs;
/** Longer than an access token lives that a session has given. */
const keepSessionsMs = 2 * dayMs;
const keepUsedTokensMs = 30 * dayMs;

export async function sweep(env: Env, now: number = Date.now()): Promise<void> {
  const before = new Date(now - forgottenAfterMs).toISOString();
  const hostIds = await hostsWithForgottenOperations(env.DB, before);
  // What only measures must not keep what waits from going on.
  await takeSample(env.DB, now).catch(({ message }: Error) => {
    console.error(JSON.stringify({ level: "error", source: "sweep", message: `sample: ${message}` }));
  });
  await rollOut(env, now).catch(({ message }: Error) => {
    console.error(JSON.stringify({ level: "error", source: "sweep", message: `agent updates: ${message}` }));
  });
  const ago = (ms: number) => new Date(now - ms).toISOString();
  await Promise.all([
    deleteOldLogs(env.DB, ago(keepLogsMs)),
    deleteOldSessions(env.DB, { ended: ago(keepSessionsMs), used: ago(keepUsedTokensMs) }),
  ]).catch(({ message }: Error) => {
    console.error(JSON.stringify({ level: "error", source: "sweep", message: `forgetting: ${message}` }));
  });
  await Promise.allSettled(hostIds.map((hostId) => env.HOST_LINK.getByName(hostId).wake(hostId)));
}
