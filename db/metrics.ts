/** What Prometheus is told, read in one batch. */
import { count, gte, inArray, or, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { finalOperationStatuses, OperationStatus } from "../protocol/operations.ts";
import { hosts, operations, users, vms } from "./schema.ts";

const pending = OperationStatus.options.filter((status) => !finalOperationStatuses.includes(status));

/** Operations from `firstOperationId` on, and all that have not ended. */
export async function readMetrics(d1: D1Database, firstOperationId: string) {
  const db = drizzle(d1);
  const [hostRows, allocatedRows, vmRows, operationRows, [userRow]] = await db.batch([
    db
      .select({
        id: hosts.id,
        name: hosts.name,
        status: hosts.status,
        schedulable: hosts.schedulable,
        cpu: hosts.capacityCpu,
        memory: hosts.capacityMemory,
        disk: hosts.capacityDisk,
      })
      .from(hosts)
      .orderBy(hosts.name),
    db
      .select({
        hostId: vms.hostId,
        vms: count(),
        cpu: sum(vms.cpu).mapWith(Number),
        memory: sum(vms.memory).mapWith(Number),
        disk: sum(vms.disk).mapWith(Number),
      })
      .from(vms)
      .groupBy(vms.hostId),
    db.select({ status: vms.status, count: count() }).from(vms).groupBy(vms.status),
    db
      .select({ kind: operations.kind, status: operations.status, count: count() })
      .from(operations)
      .where(or(gte(operations.id, firstOperationId), inArray(operations.status, pending)))
      .groupBy(operations.kind, operations.status),
    db.select({ count: count() }).from(users),
  ]);
  return { hostRows, allocatedRows, vmRows, operationRows, users: userRow?.count ?? 0 };
}

export type MetricsFacts = Awaited<ReturnType<typeof readMetrics>>;
