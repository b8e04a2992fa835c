/** Operations that a host's object has still to take over. */
import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { linkLimits } from "../protocol/agent-link.ts";
import type { OperationKind } from "../protocol/operations.ts";
import { watchersWithNews } from "./events.ts";
import { operations } from "./schema.ts";

/** Word for word the condition of the partial index: SQLite uses it only for queries that repeat it without parameters. */
export const isPending = sql`${operations.status} IN ('queued', 'running')`;

export interface QueuedOperation {
  readonly seq: number;
  readonly id: string;
  readonly kind: OperationKind;
  readonly vmId: string;
  readonly generation: number;
  readonly input: unknown;
  /** ISO; when the API accepted it. */
  readonly createdAt: string;
}

/** What an acceptance leaves to be done. */
export interface Dispatch {
  /** All that the host's object has still to take over, in the order of acceptance; null: too much to carry there. */
  readonly queued: QueuedOperation[] | null;
  /** The hubs that have something new to read. */
  readonly hubs: string[];
}

/** More than this is rare, and means that the host is away: its object reads it when the host is back. */
const mostCarried = 8;

/** For the end of the batch that accepts an operation. Read in one transaction with it, so nothing accepted before is left out. */
export function dispatchStatements(db: DrizzleD1Database, operationId: string) {
  const host = sql`(SELECT a.host_id FROM operations a WHERE a.id = ${operationId})`;
  return [queuedOperations(db, host, mostCarried + 1), watchersWithNews(db)] as const;
}

export function toDispatch(queued: QueuedOperation[], hubs: { hub: string }[]): Dispatch {
  return { queued: queued.length > mostCarried ? null : queued, hubs: hubs.map(({ hub }) => hub) };
}

/** In the order in which the API accepted them, at most a host's worth; and the hubs that have something new to read. */
export async function takeQueued(d1: D1Database, hostId: string) {
  const db = drizzle(d1);
  const [queued, hubs] = await db.batch([queuedOperations(db, hostId), watchersWithNews(db)]);
  return { queued, hubs: hubs.map(({ hub }) => hub) };
}

export function queuedOperations(
  db: DrizzleD1Database,
  hostId: string | SQL,
  limit: number = linkLimits.maxWaitingPerHost,
) {
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
    .limit(limit);
}
