/** Operations that a host's object has still to take over. */
import { and, asc, eq, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { linkLimits } from "../protocol/agent-link.ts";
import { watchersWithNews } from "./events.ts";
import { operations } from "./schema.ts";

/** Word for word the condition of the partial index: SQLite uses it only for queries that repeat it without parameters. */
export const isPending = sql`${operations.status} IN ('queued', 'running')`;

/** In the order in which the API accepted them, at most a host's worth; and the hubs that have something new to read. */
export async function takeQueued(d1: D1Database, hostId: string) {
  const db = drizzle(d1);
  const [queued, hubs] = await db.batch([queuedOperations(db, hostId), watchersWithNews(db)]);
  return { queued, hubs: hubs.map(({ hub }) => hub) };
}

export function queuedOperations(db: DrizzleD1Database, hostId: string) {
  return db
    .select({
      seq: operations.seq,
      id: operations.id,
      kind: operations.kind,
      vmId: operations.vmId,
      generation: operations.generation,
      input: operations.input,
      createdAt: operations.createdAt,
    })
    .from(operations)
    .where(and(eq(operations.hostId, hostId), isPending, eq(operations.status, "queued")))
    .orderBy(asc(operations.seq))
    .limit(linkLimits.maxWaitingPerHost);
}
