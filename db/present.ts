/** How things are, and after which event: who reads this and then every later event has missed nothing and seen nothing twice. */
import { and, eq, gt, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { type OperationView, selectOperations } from "./operation-view.ts";
import { isVisibleOperation } from "./operations.ts";
import { isPending } from "./pending.ts";
import { events, operations, type VmRow, vms } from "./schema.ts";
import { isVm, type Owner } from "./vms.ts";

export interface Present<T> {
  /** The last event that is in it. */
  readonly at: number;
  readonly rows: T[];
}

export type PresentVm = Pick<VmRow, "id" | "name" | "status" | "hostId">;

const shown = { id: vms.id, name: vms.name, status: vms.status, hostId: vms.hostId };

/** One machine by its id or name; no row where there is none. */
export async function readPresentVm(d1: D1Database, owner: Owner, idOrName: string): Promise<Present<PresentVm>> {
  const db = drizzle(d1);
  const [rows, at] = await db.batch([db.select(shown).from(vms).where(isVm(owner, idOrName)), lastEvent(db)]);
  return { rows, at: at[0]?.seq ?? 0 };
}

/** The next of those that the owner sees, in the order of their ids; from the first on where `after` is empty. */
export async function readPresentVms(
  d1: D1Database,
  owner: Owner,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<Present<PresentVm>> {
  const db = drizzle(d1);
  const seen = owner.seesAll ? undefined : eq(vms.ownerId, owner.id);
  const [rows, at] = await db.batch([
    db
      .select(shown)
      .from(vms)
      .where(and(seen, gt(vms.id, after)))
      .orderBy(vms.id)
      .limit(limit),
    lastEvent(db),
  ]);
  return { rows, at: at[0]?.seq ?? 0 };
}

/** Those that have not ended. */
export async function readPresentOperations(d1: D1Database, owner: Owner): Promise<Present<OperationView>> {
  const db = drizzle(d1);
  const [rows, at] = await db.batch([
    selectOperations(db)
      .where(and(isPending, isVisibleOperation(owner)))
      .orderBy(operations.seq),
    lastEvent(db),
  ]);
  return { rows, at: at[0]?.seq ?? 0 };
}

/** Operations by their ids, whoever's they are, and the last event that is in them. */
export async function readOperationsById(d1: D1Database, ids: readonly string[]): Promise<OperationView[]> {
  return selectOperations(drizzle(d1)).where(
    sql`${operations.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
  );
}

function lastEvent(db: DrizzleD1Database) {
  return db.select({ seq: sql<number>`COALESCE(max(${events.seq}), 0)` }).from(events);
}
