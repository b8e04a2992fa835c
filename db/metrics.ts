/** What Prometheus is told, read in one batch. */
import { and, count, gte, not, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { hosts, operations, users, vms } from "./schema.ts";

const pending = sql`${operations.status} IN ('queued', 'running')`;
const operationCounts = { kind: operations.kind, status: operations.status, count: count() };

/** Of the operations, those from `firstOperationId` on and all that have not ended. */
export async function readMetrics(d1: D1Database, firstOperationId: string) {
  const db = drizzle(d1);
  const [hostRows, vmRows, endedRows, pendingRows, [userRow]] = await db.batch([
    db
      .select({
        id: hosts.id,
        name: hosts.name,
        status: hosts.status,
        schedulable: hosts.schedulable,
        cpu: hosts.capacityCpu,
        memory: hosts.capacityMemory,
        disk: hosts.capacityDisk,
        allocated: {
          vms: hosts.allocatedVms,
          cpu: hosts.allocatedCpu,
          memory: hosts.allocatedMemory,
          disk: hosts.allocatedDisk,
        },
      })
      .from(hosts)
      .orderBy(hosts.name),
    db.select({ status: vms.status, count: count() }).from(vms).groupBy(vms.status),
    db
      .select(operationCounts)
      .from(operations)
      .where(and(gte(operations.id, firstOperationId), not(pending)))
      .groupBy(operations.kind, operations.status),
    // Written out as the index of pending operations has it, or it would not be used.
    db.select(operationCounts).from(operations).where(pending).groupBy(operations.kind, operations.status),
    db.select({ count: count() }).from(users),
  ]);
  return { hostRows, vmRows, operationRows: [...endedRows, ...pendingRows], users: userRow?.count ?? 0 };
}

export type MetricsFacts = Awaited<ReturnType<typeof readMetrics>>;
