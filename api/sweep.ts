/**
 * Once a minute: looks at every host that should be connected, wakes hosts' objects for operations that nobody told them of
 * because a call was lost, tells them which keys are good no more, measures how the whole stands, forgets what has had
 * its time, and goes on with the roll-out of a new version of the agent.
 */
import { onlineHosts } from "../db/hosts.ts";
import { deleteOldEvents } from "../db/events.ts";
import { deleteOldLogs } from "../db/logs.ts";
import { hostsWithForgottenOperations } from "../db/operations.ts";
import { takeSample } from "../db/samples.ts";
import { deleteOldSessions } from "../db/sessions.ts";
import { rollOut } from "./agent-updates.ts";
import type { Env } from "./env.ts";
import { fewAtATime } from "./few-at-a-time.ts";
import { revokeAllPending } from "./revocations.ts";

const forgottenAfterMs = 10_000;
const dayMs = 86_400_000;
const keepLogsMs = 30 * dayMs;
const keepEventsMs = 7 * dayMs;
/** Longer than an access token lives that a session has given. */
const keepSessionsMs = 2 * dayMs;
const keepUsedTokensMs = 30 * dayMs;

export async function sweep(env: Env, now: number = Date.now()): Promise<void> {
  const before = new Date(now - forgottenAfterMs).toISOString();
  const [forgotten, online] = await Promise.all([
    hostsWithForgottenOperations(env.DB, before),
    onlineHosts(env.DB),
    revokeAllPending(env),
  ]);
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
    deleteOldEvents(env.DB, ago(keepEventsMs)),
    deleteOldSessions(env.DB, { ended: ago(keepSessionsMs), used: ago(keepUsedTokensMs) }),
  ]).catch(({ message }: Error) => {
    console.error(JSON.stringify({ level: "error", source: "sweep", message: `forgetting: ${message}` }));
  });
  const link = (hostId: string) => env.HOST_LINK.getByName(hostId);
  // One that is woken is also looked at: its alarm may be dead, and D1 not have heard of its end.
  await fewAtATime([...new Set([...online, ...forgotten])], (hostId) => link(hostId).look(hostId));
  await fewAtATime(forgotten, (hostId) => link(hostId).wake(hostId));
}
