/**
 * Stopping all machines of a host by ordinary operations, one for each that runs or will run.
 *
 * Asked twice, the second time finds nothing to do: a machine is judged by what it will be once its queue is through.
 */
import { and, count, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { linkLimits } from "../protocol/agent-link.ts";
import { newOperation, type OperationOrder, pendingCount } from "./operations.ts";
import { isPending } from "./pending.ts";
import { operations, vms } from "./schema.ts";
import { settledStatus } from "./vms.ts";

export interface Stopping {
  readonly vmId: string;
  readonly operationId: string;
}

/** As many as the host's queue has room for. `order` is each operation's, but for its id. */
export async function stopVmsOf(
  d1: D1Database,
  hostId: string,
  order: Omit<OperationOrder, "id" | "audit">,
  newOperationId: () => string,
): Promise<Stopping[]> {
  const db = drizzle(d1);
  const stoppable = and(
    eq(vms.hostId, hostId),
    sql`${settledStatus} IN ('running', 'paused')`,
    sql`${pendingCount} < ${linkLimits.maxWaitingPerVm}`,
  );
  const [found, [waiting]] = await db.batch([
    db.select({ id: vms.id }).from(vms).where(stoppable).orderBy(vms.id).limit(linkLimits.maxWaitingPerHost),
    db
      .select({ count: count() })
      .from(operations)
      .where(and(eq(operations.hostId, hostId), isPending)),
  ]);
  const chosen = found.slice(0, Math.max(0, linkLimits.maxWaitingPerHost - (waiting?.count ?? 0)));
  if (chosen.length === 0) return [];

  const ids = JSON.stringify(Object.fromEntries(chosen.map(({ id }) => [id, newOperationId()])));
  const operationId = sql<string>`json_extract(${ids}, '$."' || ${vms.id} || '"')`;
  const isNew = sql`${operations.id} IN (SELECT value FROM json_each(${ids}))`;
  const columns = { ...newOperation({ ...order, id: "" }), id: operationId.as("id") };
  const [, , made] = await db.batch([
    db.insert(operations).select(
      db
        .select(columns)
        .from(vms)
        .where(and(stoppable, sql`${operationId} IS NOT NULL`)),
    ),
    db
      .update(vms)
      .set({ status: "stopping", updatedAt: order.createdAt })
      .where(
        and(sql`${vms.id} IN (SELECT ${operations.vmId} FROM ${operations} WHERE ${isNew})`, sql`${pendingCount} = 1`),
      ),
    db.select({ vmId: operations.vmId, operationId: operations.id }).from(operations).where(isNew),
  ]);
  return made;
}
