/** The system's log: what it did, for people. Secrets never; a machine's name is the user's and isn't needed. */
import { and, asc, count, desc, eq, gt, gte, lt, lte } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { LogQuery } from "../protocol/records.ts";
import { type LogRow, logs } from "./schema.ts";

export type NewLog = Pick<LogRow, "timestamp" | "level" | "source" | "message"> &
  Partial<Pick<LogRow, "cause" | "userId" | "vmId" | "metadata">>;

/** For a batch. What has a cause that is logged already changes nothing. */
export function logStatement(db: DrizzleD1Database, entry: NewLog) {
  return db
    .insert(logs)
    .values({ metadata: {}, ...entry })
    .onConflictDoNothing({ target: logs.cause });
}

export async function writeLog(d1: D1Database, entry: NewLog): Promise<void> {
  await logStatement(drizzle(d1), entry);
}

export async function listLogs(d1: D1Database, filter: LogQuery) {
  const db = drizzle(d1);
  const { page, limit, after, level, source, from, to, userId, vmId } = filter;
  const utc = (time: string) => new Date(time).toISOString();
  const where = and(
    after === undefined ? undefined : gt(logs.seq, Number(after.slice("log-".length))),
    level && eq(logs.level, level),
    source && eq(logs.source, source),
    from === undefined ? undefined : gte(logs.timestamp, utc(from)),
    to === undefined ? undefined : lte(logs.timestamp, utc(to)),
    userId === undefined ? undefined : eq(logs.userId, userId),
    vmId === undefined ? undefined : eq(logs.vmId, vmId),
  );
  const [rows, [total]] = await db.batch([
    db
      .select()
      .from(logs)
      .where(where)
      .orderBy(after === undefined ? desc(logs.seq) : asc(logs.seq))
      .limit(limit)
      .offset((page - 1) * limit),
    db.select({ count: count() }).from(logs).where(where),
  ]);
  return { rows, total: total?.count ?? 0 };
}

export async function deleteOldLogs(d1: D1Database, before: string): Promise<void> {
  await drizzle(d1).delete(logs).where(lt(logs.timestamp, before));
}
