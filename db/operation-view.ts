/** An operation with what tells why it waits: its host's status, and what comes before it on the same machine. */
import { getTableColumns, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { HostStatus } from "../protocol/rest.ts";
import { type OperationRow, operations } from "./schema.ts";

export interface Waiting {
  /** Null: the host was deleted. */
  readonly hostStatus: HostStatus | null;
  /** The first operation of its machine that has not ended; null where it is this one. */
  readonly behind: string | null;
}
export type OperationView = OperationRow & Waiting;

const columns = {
  ...getTableColumns(operations),
  hostStatus: sql<HostStatus | null>`(SELECT h.status FROM hosts h WHERE h.id = operations.host_id)`.as("host_status"),
  behind: sql<string | null>`(SELECT b.id FROM operations b WHERE b.vm_id = operations.vm_id
    AND b.status IN ('queued', 'running') AND b.seq < operations.seq ORDER BY b.seq LIMIT 1)`.as("behind"),
};

export function selectOperations(db: DrizzleD1Database) {
  return db.select(columns).from(operations);
}
