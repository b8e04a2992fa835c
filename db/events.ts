/**
 * What happened, in the order in which it became true, and who waits for it. Triggers write the events: nothing here does.
 *
 * D1 takes one batch after the other, so nothing appears later below a sequence that somebody has read.
 */
import { and, asc, eq, gt, isNotNull, lt, or, type SQL, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { type OperationView, selectOperations } from "./operation-view.ts";
import { type EventRow, events, operations, watchers } from "./schema.ts";
import type { Owner } from "./vms.ts";

export interface EventPage {
  readonly rows: EventRow[];
  /** Everything up to here has been read: the last row's sequence, or the last of all where these were all. */
  readonly through: number;
  /** The last of all, whoever may see it. */
  readonly last: number;
  /** Nothing is kept up to here: who has not read it has missed something. */
  readonly forgotten: number;
  /** Of the operations that the rows tell of, as they are now. */
  readonly operations: OperationView[];
}

/** What its reader may see after `after`, oldest first. `withOperations`: those that the rows tell of too. */
export async function readEvents(
  d1: D1Database,
  owner: Owner,
  { after, limit, vmId, withOperations = false }: EventRange,
): Promise<EventPage> {
  const db = drizzle(d1);
  const where = and(gt(events.seq, after), isVisible(owner), vmId === undefined ? undefined : eq(events.vmId, vmId));
  const found = (columns: SQL) => sql`SELECT ${columns} FROM events WHERE ${where} ORDER BY seq LIMIT ${limit}`;
  const [rows, [bounds], told] = await db.batch([
    db.select().from(events).where(where).orderBy(asc(events.seq)).limit(limit),
    boundsOf(db),
    selectOperations(db).where(withOperations ? sql`${operations.id} IN (${found(sql`operation_id`)})` : sql`0`),
  ]);
  const last = bounds?.last ?? 0;
  const reached = limit > 0 && rows.length === limit ? (rows.at(-1)?.seq ?? last) : last;
  return { rows, through: Math.max(after, reached), last, forgotten: (bounds?.first ?? 1) - 1, operations: told };
}

export interface EventRange {
  readonly after: number;
  readonly limit: number;
  readonly vmId?: string | undefined;
  readonly withOperations?: boolean;
}

/** Puts a hub among those that are told, and says from where on: what comes after that sequence, it will hear of. */
export async function beginWatching(d1: D1Database, hub: string, { id, seesAll }: Owner): Promise<number> {
  const db = drizzle(d1);
  const now = sql`(SELECT COALESCE(max(e.seq), 0) FROM events e)`;
  const [, [bounds]] = await db.batch([
    db
      .insert(watchers)
      .values({ hub, userId: id, seesAll, told: now })
      .onConflictDoUpdate({ target: watchers.hub, set: { userId: id, seesAll } }),
    boundsOf(db),
  ]);
  return bounds?.last ?? 0;
}

export async function endWatching(d1: D1Database, hub: string): Promise<void> {
  await drizzle(d1).delete(watchers).where(eq(watchers.hub, hub));
}

/**
 * For the end of a batch: the hubs that have something new to read, each told once. What a batch without this has
 * written, the next one with it tells.
 */
export function watchersWithNews(db: DrizzleD1Database) {
  const news = sql`SELECT 1 FROM events e WHERE e.seq > ${watchers.told}
    AND (${watchers.seesAll} = 1 OR e.user_id = ${watchers.userId})`;
  return db
    .update(watchers)
    .set({ told: sql`(SELECT max(e.seq) FROM events e)` })
    .where(sql`EXISTS (${news})`)
    .returning({ hub: watchers.hub });
}

/** The hubs that may be told of an operation's progress. */
export function watchersOfOperation(db: DrizzleD1Database, operationId: string) {
  const owner = sql`(SELECT v.owner_id FROM vms v JOIN operations o ON o.vm_id = v.id WHERE o.id = ${operationId})`;
  return db
    .select({ hub: watchers.hub })
    .from(watchers)
    .where(or(eq(watchers.seesAll, true), sql`${watchers.userId} = ${owner}`));
}

/** The last one stays, however old: it tells how far things have come. */
export async function deleteOldEvents(d1: D1Database, before: string): Promise<void> {
  await drizzle(d1)
    .delete(events)
    .where(and(lt(events.timestamp, before), sql`${events.seq} < (SELECT max(e.seq) FROM events e)`));
}

/** Whether anything is kept of a machine that its owner may see, though the machine may be gone. */
export async function hasEvents(d1: D1Database, owner: Owner, vmId: string): Promise<boolean> {
  const found = await drizzle(d1)
    .select({ seq: events.seq })
    .from(events)
    .where(and(eq(events.vmId, vmId), isVisible(owner)))
    .limit(1);
  return found.length > 0;
}

function boundsOf(db: DrizzleD1Database) {
  const extreme = (which: string) => sql<number | null>`(SELECT ${sql.raw(which)}(e.seq) FROM events e)`;
  return db.select({ first: extreme("min").as("first"), last: extreme("max").as("last") }).from(sql`(SELECT 1)`);
}

function isVisible({ id, seesAll }: Owner): SQL | undefined {
  return seesAll ? undefined : and(isNotNull(events.userId), eq(events.userId, id));
}
