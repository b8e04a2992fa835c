/** Changing hosts: what they are called, how far they are filled, and their end. */
import { and, count, eq, inArray, isNull, ne, notExists, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { HostUpdate } from "../protocol/rest.ts";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { capacityOf } from "./capacity.ts";
import { revokeDeleted } from "./revocations.ts";
import { type HostRow, hosts, operations, vms } from "./schema.ts";

/** `changed`: it is not any more what the caller saw, or is gone. `taken`: another host has the name. */
export async function updateHost(
  d1: D1Database,
  seen: HostRow,
  update: HostUpdate,
  note: AuditNote,
): Promise<"updated" | "taken" | "changed"> {
  const db = drizzle(d1);
  const { name = seen.name, labels = seen.labels, schedulable = seen.schedulable } = update;
  const overcommit = { ...seen.overcommit, ...update.overcommit };
  const room = seen.facts ? capacityOf(seen.facts, overcommit) : { cpu: 0, memory: 0, disk: 0 };
  const others = sql`SELECT 1 FROM hosts o WHERE o.name = ${name} AND o.id <> ${seen.id}`;
  const change = db
    .update(hosts)
    .set({
      ...{ name, labels, schedulable, overcommit },
      ...{ capacityCpu: room.cpu, capacityMemory: room.memory, capacityDisk: room.disk },
    })
    .where(and(isStill(seen), sql`NOT EXISTS (${others})`))
    .returning({ id: hosts.id });
  const [rows, , [other]] = await db.batch([
    change,
    auditIfChanged(db, note),
    db
      .select({ id: hosts.id })
      .from(hosts)
      .where(and(eq(hosts.name, name), ne(hosts.id, seen.id))),
  ]);
  if (rows.length > 0) return "updated";
  return other ? "taken" : "changed";
}

function isStill({ id, name, labels, schedulable, overcommit, epoch }: HostRow) {
  return and(
    ...[eq(hosts.id, id), eq(hosts.name, name), eq(hosts.labels, labels), eq(hosts.schedulable, schedulable)],
    overcommit === null ? isNull(hosts.overcommit) : eq(hosts.overcommit, overcommit),
    // A host that says hello in between has new facts, and its room is to be counted from those.
    eq(hosts.epoch, epoch),
  );
}

/**
 * Deletes a host that has no machine, or with `force` its machines too: here, not on the host, where they go on. What
 * it was doing ends as `unknown`. False where it has machines.
 */
export async function deleteHost(
  d1: D1Database,
  id: string,
  { force, now }: { readonly force: boolean; readonly now: string },
  note: AuditNote,
): Promise<boolean> {
  const db = drizzle(d1);
  const machines = db
    .select({ one: sql`1` })
    .from(vms)
    .where(eq(vms.hostId, id));
  const host = db
    .delete(hosts)
    .where(and(eq(hosts.id, id), notExists(machines)))
    .returning({ id: hosts.id });
  // What ended machines left behind is no reason to keep a host, and nobody will tell its end.
  const abandoned = db
    .update(operations)
    .set({
      ...{ status: "unknown", errorCode: "OUTCOME_UNKNOWN", errorMessage: "The host was deleted", finishedAt: now },
      input: null,
    })
    .where(
      and(
        eq(operations.hostId, id),
        inArray(operations.status, ["queued", "running"]),
        sql`NOT EXISTS (SELECT 1 FROM hosts h WHERE h.id = ${id})`,
      ),
    );
  const end = [host, auditIfChanged(db, note), abandoned, revokeDeleted(db, id, now)] as const;
  if (!force) return (await db.batch([...end]))[0].length > 0;
  return (await db.batch([db.delete(vms).where(eq(vms.hostId, id)), ...end]))[1].length > 0;
}

/** What still has to leave a host before it is empty. */
export async function readRemaining(d1: D1Database, id: string) {
  const db = drizzle(d1);
  const [rows, [pending]] = await db.batch([
    db.select({ status: vms.status, count: count() }).from(vms).where(eq(vms.hostId, id)).groupBy(vms.status),
    db
      .select({ count: count() })
      .from(operations)
      .where(and(eq(operations.hostId, id), inArray(operations.status, ["queued", "running"]))),
  ]);
  return {
    vms: rows.reduce((sum, row) => sum + row.count, 0),
    byStatus: Object.fromEntries(rows.map((row) => [row.status, row.count])),
    operations: pending?.count ?? 0,
  };
}
