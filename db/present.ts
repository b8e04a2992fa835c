/** How things are, and after which event: who reads this and then every later event has missed nothing and seen nothing twice. */
import { and, eq, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { isVisibleOperation } from "./operations.ts";
import { isPending } from "./pending.ts";
import { events, type OperationRow, operations, type VmRow, vms } from "./schema.ts";
import { isVm, type Owner } from "./vms.ts";

export interface Present<T> {
  /** The last event that is in it. */
  readonly at: number;
  readonly rows: T[];
}

/** One machine by its id or name, or all that the owner sees. */
export async function readPresentVms(
  d1: D1Database,
  owner: Owner,
  idOrName: string | null,
): Promise<Present<Pick<VmRow, "id" | "name" | "status" | "hostId">>> {
  const db = drizzle(d1);
  const all = owner.seesAll ? undefined : eq(vms.ownerId, owner.id);
  const [rows, at] = await db.batch([
    db
      .select({ id: vms.id, name: vms.name, status: vms.status, hostId: vms.hostId })
      .from(vms)
      .where(idOrName === null ? all : isVm(owner, idOrName))
      .orderBy(vms.id),
    lastEvent(db),
  ]);
  return { rows, at: at[0]?.seq ?? 0 };
}

/** Those that have not ended. */
export async function readPresentOperations(d1: D1Database, owner: Owner): Promise<Present<OperationRow>> {
  const db = drizzle(d1);
  const [rows, at] = await db.batch([
    db
      .select()
      .from(operations)
      .where(and(isPending, isVisibleOperation(owner)))
      .orderBy(operations.seq),
    lastEvent(db),
  ]);
  return { rows, at: at[0]?.seq ?? 0 };
}

/** Operations by their ids, whoever's they are, and the last event that is in them. */
export async function readOperationsById(d1: D1Database, ids: readonly string[]): Promise<OperationRow[]> {
  return drizzle(d1)
    .select()
    .from(operations)
    .where(sql`${operations.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);
}

function lastEvent(db: DrizzleD1Database) {
  return db.select({ seq: sql<number>`COALESCE(max(${events.seq}), 0)` }).from(events);
}
