/** How the whole stands, measured once a minute and kept for 30 days: what the series are read from. */
import { asc, gt, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { type SampleRow, samples } from "./schema.ts";

const keepSeconds = 30 * 86_400;

/** Once for each minute, however many sweeps there are. `now` in ms since 1970. */
export async function takeSample(d1: D1Database, now: number): Promise<void> {
  const db = drizzle(d1);
  const at = Math.floor(now / 60_000) * 60;
  await db.batch([
    db.insert(samples).select(measure(db, at)).onConflictDoNothing(),
    db.delete(samples).where(sql`${samples.at} <= ${at - keepSeconds}`),
  ]);
}

/** The last of each step, after `from`; all in seconds. And how it stands now. */
export async function readSamples(d1: D1Database, from: number, stepSeconds: number, now: number) {
  const db = drizzle(d1);
  // D1 binds numbers as REAL, by which a division would leave each minute a step of its own.
  const lasts = sql`SELECT max(at) FROM samples WHERE at > ${from} GROUP BY at / CAST(${stepSeconds} AS INTEGER)`;
  const [[current], series] = await db.batch([
    measure(db, now),
    db
      .select()
      .from(samples)
      .where(sql`${gt(samples.at, from)} AND ${samples.at} IN (${lasts})`)
      .orderBy(asc(samples.at)),
  ]);
  return { current: current && { ...current, vms: JSON.parse(current.vms) as SampleRow["vms"] }, series };
}

/** One row, with the columns of the table in their order. */
function measure(db: DrizzleD1Database, at: number) {
  const byStatus = sql`SELECT json_group_object(status, n) FROM (SELECT status, count(*) AS n FROM vms GROUP BY status)`;
  const allocated = (what: string) =>
    sql<number>`(SELECT COALESCE(sum(${sql.raw(`allocated_${what}`)}), 0) FROM hosts)`;
  const capacity = (what: string) =>
    sql<number>`(SELECT COALESCE(sum(${sql.raw(`capacity_${what}`)}), 0) FROM hosts WHERE status = 'online')`;
  return (
    db
      .select({
        at: sql<number>`${at}`.as("at"),
        vms: sql<string>`(${byStatus})`.as("vms"),
        hosts: sql<number>`(SELECT count(*) FROM hosts)`.as("hosts"),
        hostsOnline: sql<number>`(SELECT count(*) FROM hosts WHERE status = 'online')`.as("hosts_online"),
        allocatedCpu: allocated("cpu").as("allocated_cpu"),
        allocatedMemory: allocated("memory").as("allocated_memory"),
        allocatedDisk: allocated("disk").as("allocated_disk"),
        capacityCpu: capacity("cpu").as("capacity_cpu"),
        capacityMemory: capacity("memory").as("capacity_memory"),
        capacityDisk: capacity("disk").as("capacity_disk"),
      })
      .from(sql`(SELECT 1)`)
      // Without it SQLite takes the conflict clause that follows for a join's.
      .where(sql`true`)
  );
}
