/** Changing hosts: what they are called, how far they are filled, and their end. */
import { and, count, eq, inArray, ne, notExists, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { HostUpdate } from "../protocol/rest.ts";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { capacityOf } from "./capacity.ts";
import { hosts, operations, vms } from "./schema.ts";

const tries = 5;

/** Null where there is no such host. */
export async function updateHost(
  d1: D1Database,
  id: string,
  update: HostUpdate,
  note: AuditNote,
): Promise<"updated" | "taken" | null> {
  const db = drizzle(d1);
  const { name, labels, schedulable } = update;
  for (let left = tries; left > 0; left--) {
    const [host] = await db.select().from(hosts).where(eq(hosts.id, id));
    if (!host) return null;
    const overcommit = { ...host.overcommit, ...update.overcommit };
    const room = host.facts ? capacityOf(host.facts, overcommit) : { cpu: 0, memory: 0, disk: 0 };
    const others = sql`SELECT 1 FROM hosts o WHERE o.name = ${name ?? ""} AND o.id <> ${id}`;
    const free = name === undefined ? undefined : sql`NOT EXISTS (${others})`;
    const change = db
      .update(hosts)
      .set({
        ...(name === undefined ? {} : { name }),
        ...(labels === undefined ? {} : { labels }),
        ...(schedulable === undefined ? {} : { schedulable }),
        ...{ overcommit, capacityCpu: room.cpu, capacityMemory: room.memory, capacityDisk: room.disk },
      })
      // A host that says hello in between has new facts, and its room is to be counted from those.
      .where(and(eq(hosts.id, id), eq(hosts.epoch, host.epoch), free))
      .returning({ id: hosts.id });
    const [rows] = await db.batch([change, auditIfChanged(db, note)]);
    if (rows.length > 0) return "updated";
    if (name === undefined || name === host.name) continue;
    const [other] = await db
      .select({ id: hosts.id })
      .from(hosts)
      .where(and(eq(hosts.name, name), ne(hosts.id, id)));
    if (other) return "taken";
  }
  throw new Error(`Host ${id} changed ${tries} times under the hands of its update`);
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
  const end = [host, auditIfChanged(db, note), abandoned] as const;
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
