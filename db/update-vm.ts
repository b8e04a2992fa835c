/**
 * Changing a machine: what it is called and what it has, its owner's quota, its host's room and the order to the host
 * in one batch.
 *
 * Every condition stands in the statements, and above all that the machine is still what the caller saw: of two
 * changes that race, the second sees the first.
 */
import { and, eq, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { linkLimits } from "../protocol/agent-link.ts";
import type { VmHardware } from "../protocol/operations.ts";
import { updateFrom } from "../protocol/vm.ts";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { hasRoomFor } from "./create-vm.ts";
import { newOperation, orderAudit, type OperationOrder, pendingCount } from "./operations.ts";
import { type PlanLimits, withinQuota } from "./quotas.ts";
import { type OperationRow, operations, type VmRow, vms } from "./schema.ts";
import { settledStatus, toView, viewStatements, type VmView } from "./vms.ts";

/** All that an owner may change, whole. */
export type VmSettings = VmHardware & Pick<VmRow, "name" | "description" | "labels" | "protected">;

export interface VmChange {
  /** The machine as the caller saw it. */
  readonly before: VmRow;
  readonly after: VmSettings;
  /** Where its host has to do something. */
  readonly order: OperationOrder | null;
}

/** Null where a condition no longer holds. */
export async function updateVm(
  d1: D1Database,
  { before, after, order }: VmChange,
  plan: PlanLimits,
  note: AuditNote,
): Promise<{ readonly view: VmView; readonly operation: OperationRow | null } | null> {
  const db = drizzle(d1);
  const unchanged = and(isStill(before), nameIsFree(before, after.name));
  const { cpu, memory, disk, autostart, name, description, labels } = after;
  const isOrdered = order ? sql`EXISTS (SELECT 1 FROM operations made WHERE made.id = ${order.id})` : undefined;
  const change = db
    .update(vms)
    .set({
      ...{ cpu, memory, disk, autostart, name, description, labels, protected: after.protected },
      updatedAt: new Date().toISOString(),
    })
    .where(and(unchanged, isOrdered))
    .returning({ id: vms.id });
  const view = viewStatements(db, eq(vms.id, before.id));
  const ordered = db
    .select()
    .from(operations)
    .where(eq(operations.id, order?.id ?? ""));

  if (!order) {
    const [changed, , [vm], [host], [first]] = await db.batch([change, auditIfChanged(db, note), ...view]);
    const shown = toView(vm, host, first);
    return changed.length > 0 && shown ? { view: shown, operation: null } : null;
  }
  const allowed = and(unchanged, mayChange, hasRoom(before, after), hasQuota(before, after, plan));
  const insert = db.insert(operations).select(db.select(newOperation(order)).from(vms).where(allowed));
  const [, changed, [vm], [host], [first], [operation]] = await db.batch([
    insert,
    change,
    ...view,
    ordered,
    orderAudit(db, order),
  ]);
  const shown = toView(vm, host, first);
  return changed.length > 0 && shown && operation ? { view: shown, operation } : null;
}

function isStill(before: VmRow): SQL | undefined {
  return and(
    ...[eq(vms.id, before.id), eq(vms.ownerId, before.ownerId), eq(vms.name, before.name)],
    ...[eq(vms.description, before.description), eq(vms.labels, before.labels)],
    ...[eq(vms.autostart, before.autostart), eq(vms.protected, before.protected)],
    ...[eq(vms.cpu, before.cpu), eq(vms.memory, before.memory), eq(vms.disk, before.disk)],
  );
}

function nameIsFree(before: VmRow, name: string): SQL | undefined {
  if (name === before.name) return undefined;
  return sql`NOT EXISTS (SELECT 1 FROM vms o WHERE o.owner_id = ${before.ownerId} AND o.name = ${name})`;
}

/** One change of hardware at a time: what it began from is what the machine shows again if it fails. */
const pendingChange = sql`EXISTS (SELECT 1 FROM operations c WHERE c.vm_id = vms.id AND c.kind = 'vm.update'
  AND c.status IN ('queued', 'running'))`;
const mayChange = sql`NOT ${pendingChange} AND ${pendingCount} < ${linkLimits.maxWaitingPerVm}
  AND ${settledStatus} IN (SELECT value FROM json_each(${JSON.stringify(updateFrom)}))`;

function hasRoom(before: VmRow, after: VmHardware): SQL {
  const [cpu, memory, disk] = [after.cpu - before.cpu, after.memory - before.memory, after.disk - before.disk];
  return sql`EXISTS (SELECT 1 FROM hosts WHERE hosts.id = vms.host_id AND hosts.maintenance = 0
    AND ${hasRoomFor({ cpu, memory, disk })})`;
}

function hasQuota(before: VmRow, after: VmHardware, plan: PlanLimits): SQL {
  const within = (["cpu", "memory", "disk"] as const).map((what) =>
    withinQuota(what, after[what] - before[what], plan),
  );
  return sql`EXISTS (SELECT 1 FROM users WHERE users.id = vms.owner_id AND ${sql.join(within, sql` AND `)})`;
}

/** What stood in the way of a change. */
export async function readUpdateFacts(d1: D1Database, before: VmRow, name: string) {
  const [row] = await drizzle(d1)
    .select({
      nameTaken: sql<number>`EXISTS (SELECT 1 FROM vms o WHERE o.owner_id = vms.owner_id AND o.name = ${name}
        AND o.id <> vms.id)`,
      settled: settledStatus,
      pendingChange: sql<number>`${pendingChange}`,
      pending: pendingCount,
    })
    .from(vms)
    .where(eq(vms.id, before.id));
  return row ?? null;
}
