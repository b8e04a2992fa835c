/**
 * Machines: whose they are is in every statement, so what belongs to somebody else is not found.
 *
 * `settled` is what a machine will be once everything that is queued for it is through. The state rules judge by it.
 */
import { and, asc, count, desc, eq, getTableColumns, like, or, type SQL, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { SettledVmStatus, VmStatus } from "../protocol/vm.ts";
import { VmId } from "../protocol/vm.ts";
import { type HostRow, hosts, type OperationRow, operations, type VmRow, vms } from "./schema.ts";

export interface VmView {
  readonly vm: VmRow;
  readonly host: Pick<HostRow, "id" | "name" | "status" | "maintenance" | "lastSeenAt">;
  /** The first operation that has not ended. */
  readonly operation: OperationRow | null;
  readonly settled: SettledVmStatus;
}

export interface Owner {
  readonly id: string;
  /** An administrator sees all machines. A name means their own all the same. */
  readonly seesAll: boolean;
}

export const vmSorts = {
  createdAt: vms.createdAt,
  name: vms.name,
  status: vms.status,
  cpu: vms.cpu,
  memory: vms.memory,
  disk: vms.disk,
} as const;
export type VmSort = keyof typeof vmSorts;

export interface VmFilter {
  readonly status?: VmStatus | undefined;
  readonly host?: string | undefined;
  readonly label?: { readonly key: string; readonly value?: string } | undefined;
  readonly search?: string | undefined;
  readonly sort: { readonly by: VmSort; readonly descending: boolean };
  readonly page: number;
  readonly limit: number;
}

export async function findVm(d1: D1Database, owner: Owner, idOrName: string): Promise<VmView | null> {
  const [view] = await selectVms(drizzle(d1), {}).where(isVm(owner, idOrName));
  return view ?? null;
}

export async function listVms(d1: D1Database, owner: Owner, filter: VmFilter) {
  const db = drizzle(d1);
  const where = and(
    owner.seesAll ? undefined : eq(vms.ownerId, owner.id),
    filter.status && eq(vms.status, filter.status),
    filter.host === undefined ? undefined : eq(vms.hostId, filter.host),
    filter.search === undefined ? undefined : containsText(filter.search),
    filter.label && hasLabel(filter.label),
  );
  const order = filter.sort.descending ? desc : asc;
  const { status, host, search, label } = filter;
  const isFiltered = [status, host, search, label].some((value) => value !== undefined);
  const counting = isFiltered ? sql`SELECT count(*) FROM vms WHERE ${where}` : totalOf(owner);
  const rows = await selectVms(db, { total: sql<number>`(${counting})` })
    .where(where)
    .orderBy(order(vmSorts[filter.sort.by]), asc(vms.id))
    .limit(filter.limit)
    .offset((filter.page - 1) * filter.limit);
  const [first] = rows;
  // Only a page behind the last has no row to tell the total.
  const total = first?.total ?? (await db.select({ count: count() }).from(vms).where(where))[0]?.count ?? 0;
  return { views: rows, total };
}

function totalOf({ id, seesAll }: Owner): SQL {
  const total = sql`SELECT COALESCE(sum(c.count), 0) FROM vm_counts c`;
  return seesAll ? total : sql`${total} WHERE c.owner_id = ${id}`;
}

/** By id, or by the owner's own name for it. */
export function isVm(owner: Owner, idOrName: string): SQL | undefined {
  if (!VmId.safeParse(idOrName).success) return and(eq(vms.name, idOrName), eq(vms.ownerId, owner.id));
  return and(eq(vms.id, idOrName), owner.seesAll ? undefined : eq(vms.ownerId, owner.id));
}

const hostColumns = {
  ...{ id: hosts.id, name: hosts.name, status: hosts.status },
  ...{ maintenance: hosts.maintenance, lastSeenAt: hosts.lastSeenAt },
} as const;

/** Not for a batch: there D1 answers objects, and columns of the same name in two tables become one. */
function selectVms<T extends Record<string, SQL>>(db: DrizzleD1Database, more: T) {
  return db
    .select({ vm: vms, host: hostColumns, operation: operations, settled: settledStatus, ...more })
    .from(vms)
    .innerJoin(hosts, eq(hosts.id, vms.hostId))
    .leftJoin(operations, eq(operations.seq, firstPending))
    .$dynamic();
}

/** The same for one machine in a batch, a statement for each table. `toView` puts the answers together. */
export function viewStatements(db: DrizzleD1Database, where: SQL | undefined) {
  const found = db.select({ seq: firstPending }).from(vms).where(where);
  return [
    db
      .select({ ...getTableColumns(vms), settled: settledStatus })
      .from(vms)
      .where(where),
    db
      .select(hostColumns)
      .from(hosts)
      .where(eq(hosts.id, db.select({ id: vms.hostId }).from(vms).where(where))),
    db.select().from(operations).where(eq(operations.seq, found)),
  ] as const;
}

export function toView(
  row: (VmRow & { settled: SettledVmStatus }) | undefined,
  host: VmView["host"] | undefined,
  operation: OperationRow | undefined,
): VmView | null {
  if (!row || !host) return null;
  const { settled, ...vm } = row;
  return { vm, host, operation: operation ?? null, settled };
}

// In the fields of a query on one table drizzle writes a column without its table, and inside these the name would mean
// the inner one's: so the outer table is written out.
const firstPending = sql<number>`(SELECT p.seq FROM operations p WHERE p.vm_id = vms.id
  AND p.status IN ('queued', 'running') ORDER BY p.seq LIMIT 1)`;

export const settledStatus = sql<SettledVmStatus>`COALESCE((SELECT q.target FROM operations q
  WHERE q.vm_id = vms.id AND q.status IN ('queued', 'running') ORDER BY q.seq DESC LIMIT 1), vms.status)`;

function containsText(text: string): SQL | undefined {
  const pattern = `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
  const contains = (column: typeof vms.name | typeof vms.description) => sql`${like(column, pattern)} ESCAPE '\\'`;
  return or(contains(vms.name), contains(vms.description));
}

function hasLabel({ key, value }: { readonly key: string; readonly value?: string }): SQL {
  const found = sql`SELECT 1 FROM json_each(${vms.labels}) l WHERE l.key = ${key}`;
  return value === undefined ? sql`EXISTS (${found})` : sql`EXISTS (${found} AND l.value = ${value})`;
}
