/** Counts over everything, for the system's own pages. */
import { count, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { hosts, vms } from "./schema.ts";

/** One cheap read: whether the database answers. */
export async function pingDatabase(d1: D1Database): Promise<void> {
  await drizzle(d1).run(sql`SELECT 1`);
}

export async function readTotals(d1: D1Database) {
  const db = drizzle(d1);
  const sum = (what: "cpu" | "memory" | "disk") => sql<number>`COALESCE(sum(${vms[what]}), 0)`.as(what);
  const [vmRows, [allocated], hostRows] = await db.batch([
    db.select({ status: vms.status, count: count() }).from(vms).groupBy(vms.status),
    db.select({ cpu: sum("cpu"), memory: sum("memory"), disk: sum("disk") }).from(vms),
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
