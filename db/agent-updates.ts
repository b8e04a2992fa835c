/** Which hosts' agents were told to become another version, and which are to be told next. */
import { and, eq, exists, gt, inArray, isNotNull, isNull, lt, ne, not, or, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { hosts, operations, vms } from "./schema.ts";

/** Notes that the host is told to become `version`, and forgets how an earlier order ended. */
export async function noteUpdateOrder(
  d1: D1Database,
  hostId: string,
  order: { readonly version: string; readonly at: string },
  note?: AuditNote,
): Promise<void> {
  const db = drizzle(d1);
  const update = db
    .update(hosts)
    .set({ updateVersion: order.version, updateOrderedAt: order.at, updateError: null })
    .where(eq(hosts.id, hostId));
  await (note ? db.batch([update, auditIfChanged(db, note)]) : update);
}

/** The order never reached the host. */
export async function forgetUpdateOrder(d1: D1Database, hostId: string, version: string): Promise<void> {
  await drizzle(d1)
    .update(hosts)
    .set({ updateVersion: null, updateOrderedAt: null })
    .where(and(eq(hosts.id, hostId), eq(hosts.updateVersion, version), isNull(hosts.updateError)));
}

export interface RollOutState {
  /** A host has refused the version, or taken it back. */
  readonly hasFailed: boolean;
  /** Hosts that were told since `since` and are not there yet. */
  readonly underWay: number;
  readonly candidates: readonly { readonly id: string; readonly agentVersion: string | null }[];
}

/** How the roll-out of `version` stands. Candidates have no operation under way. */
export async function readRollOut(d1: D1Database, version: string, since: string): Promise<RollOutState> {
  const db = drizzle(d1);
  const isTold = eq(hosts.updateVersion, version);
  const isOther = ne(hosts.agentVersion, version);
  const told = db
    .select({
      failed: count(and(isTold, isNotNull(hosts.updateError))),
      underWay: count(and(isTold, isNull(hosts.updateError), isOther, gt(hosts.updateOrderedAt, since))),
    })
    .from(hosts);
  const pending = db
    .select({ one: sql`1` })
    .from(operations)
    .innerJoin(vms, eq(vms.id, operations.vmId))
    .where(and(eq(vms.hostId, hosts.id), inArray(operations.status, ["queued", "running"])));
  const candidates = db
    .select({ id: hosts.id, agentVersion: hosts.agentVersion })
    .from(hosts)
    .where(
      and(
        eq(hosts.status, "online"),
        eq(hosts.updatable, true),
        isOther,
        or(isNull(hosts.updateVersion), not(isTold), lt(hosts.updateOrderedAt, since)),
        not(exists(pending)),
      ),
    )
    .orderBy(hosts.id);
  const [[totals], next] = await db.batch([told, candidates]);
  return { hasFailed: (totals?.failed ?? 0) > 0, underWay: totals?.underWay ?? 0, candidates: next };
}

function count(where: SQL | undefined): SQL<number> {
  return sql<number>`COALESCE(sum(${where}), 0)`;
}
