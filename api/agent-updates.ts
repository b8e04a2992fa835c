/** Tells hosts' agents to become the version that the edge has: one when somebody asks, or all of them, a few at a time. */
import type { AuditNote } from "../db/audit.ts";
import { forgetUpdateOrder, noteUpdateOrder, readRollOut } from "../db/agent-updates.ts";
import { readConfig } from "../db/config.ts";
import { compareVersions } from "../protocol/release.ts";
import type { Env } from "./env.ts";
import type { OrderResult } from "./objects/host-link.ts";
import { readRelease } from "./release.ts";

/** A host that has not become it by then is told again. Longer than a slow download and a trial that is taken back. */
const patienceMs = 20 * 60_000;

/** The order is noted before it is sent, since its answer may be there at once. */
export async function orderUpdate(env: Env, hostId: string, version: string, note?: AuditNote): Promise<OrderResult> {
  await noteUpdateOrder(env.DB, hostId, { version, at: new Date().toISOString() }, note);
  const order = await env.HOST_LINK.getByName(hostId).update(version);
  if (order !== "sent") await forgetUpdateOrder(env.DB, hostId, version);
  return order;
}

/**
 * One step of the roll-out, where the configuration wants it. A version that one host has refused or taken back goes to
 * no other host by itself.
 */
export async function rollOut(env: Env, now: number): Promise<void> {
  const { agents } = await readConfig(env.DB);
  if (!agents.autoUpdate) return;
  const { version } = await readRelease(env);
  const since = new Date(now - patienceMs).toISOString();
  const { hasFailed, underWay, candidates } = await readRollOut(env.DB, version, since);
  if (hasFailed) return;
  const older = candidates.filter(({ agentVersion }) => agentVersion && compareVersions(agentVersion, version) < 0);
  const next = older.slice(0, Math.max(0, agents.updatesAtOnce - underWay));
  await Promise.all(next.map(({ id }) => orderUpdate(env, id, version)));
}
