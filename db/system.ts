/** Counts over everything, for the system's own pages. */
import { type Column, count, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { hosts, vms } from "./schema.ts";

/** One cheap read: whether the database answers. */
export async function pingDatabase(d1: D1Database): Promise<void> {
  await drizzle(d1).run(sql`SELECT 1`);
}

export async function readTotals(d1: D1Database) {
  const db = drizzle(d1);
  const sum = (what: Column) => sql<number>`COALESCE(sum(${what}), 0)`;
  const [vmRows, [allocated], hostRows] = await db.batch([
    db.select({ status: vms.status, count: count() }).from(vms).groupBy(vms.status),
    db
      .select({ cpu: sum(hosts.allocatedCpu), memory: sum(hosts.allocatedMemory), disk: sum(hosts.allocatedDisk) })
      .from(hosts),
    db
      .select({
        status: hosts.status,
        facts: hosts.facts,
        cpu: hosts.capacityCpu,
        memory: hosts.capacityMemory,
        disk: hosts.capacityDisk,
      })
      .from(hosts),
  ]);
  return { vmRows, hostRows, allocated: allocated ?? { cpu: 0, memory: 0, disk: 0 } };
}
