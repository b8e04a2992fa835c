/**
 * Accepting and reading operations.
 *
 * Acceptance is one batch: the operation is inserted only if the machine's status after all that is queued allows
 * it, so however many requests race, each is judged by what was accepted before it.
 */
import { and, asc, count, desc, eq, inArray, type SQL, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { linkLimits } from "../protocol/agent-link.ts";
import {
  isAllowedInMaintenance,
  type OperationKind,
  type OperationStatus,
  statusAfter,
  statusDuring,
} from "../protocol/operations.ts";
import type { SettledVmStatus, VmStatus } from "../protocol/vm.ts";
import { type AuditNote, auditStatement } from "./audit.ts";
import { type OperationView, selectOperations } from "./operation-view.ts";
import { operations, vms } from "./schema.ts";
import { given } from "./given.ts";
import { type Dispatch, dispatchStatements, isPending, toDispatch } from "./pending.ts";
import { isVm, type Owner, settledStatus, toView, viewStatements, type VmView } from "./vms.ts";

export interface OperationOrder {
  readonly id: string;
  readonly kind: OperationKind;
  readonly input: object;
  readonly userId: string;
  readonly requestId: string;
  /** ISO. */
  readonly createdAt: string;
  /** Goes into the same batch. */
  readonly audit: AuditNote;
}

/** For the end of the batch that inserts the operation. */
export function orderAudit(db: DrizzleD1Database, { id, audit }: OperationOrder) {
  return auditStatement(db, audit, sql`EXISTS (SELECT 1 FROM operations WHERE id = ${id})`);
}

/** What an operation's row is made of, to be selected from the machine's. Every column, in the table's order. */
export function newOperation({ id, kind, input, userId, requestId, createdAt }: Omit<OperationOrder, "audit">) {
  return {
    seq: given<number>(null, "seq"),
    id: given<string>(id, "id"),
    kind: given<OperationKind>(kind, "kind"),
    status: given<OperationStatus>("queued", "status"),
    vmId: vms.id,
    generation: vms.generation,
    hostId: vms.hostId,
    userId: given<string>(userId, "user_id"),
    requestId: given<string>(requestId, "request_id"),
    input: given<unknown>(JSON.stringify(input), "input"),
    via: given<VmStatus | null>(statusDuring(kind), "via"),
    target: sql<SettledVmStatus>`COALESCE(${statusAfter(kind, input)}, ${settledStatus})`.as("target"),
    percent: given<number>(0, "percent"),
    step: given<null>(null, "step"),
    stepMessage: given<null>(null, "step_message"),
    result: given<null>(null, "result"),
    errorCode: given<null>(null, "error_code"),
    errorMessage: given<null>(null, "error_message"),
    createdAt: given<string>(createdAt, "created_at"),
    startedAt: given<null>(null, "started_at"),
    finishedAt: given<null>(null, "finished_at"),
  };
}

export interface Acceptance {
  /** Null: there is no such machine, or it is not the owner's. */
  readonly view: VmView | null;
  /** Null: refused. `view.settled` and `pending` tell why. */
  readonly operation: OperationView | null;
  readonly pending: number;
  readonly dispatch: Dispatch;
}

/** Of the machine in the statement around it. */
export const pendingCount = sql<number>`(SELECT count(*) FROM operations n WHERE n.vm_id = vms.id
  AND n.status IN ('queued', 'running'))`;

const inService = sql`NOT EXISTS (SELECT 1 FROM hosts h WHERE h.id = vms.host_id AND h.maintenance = 1)`;

/** Accepts an operation on a machine if it settles in one of `from`. Nothing else changes where it is refused. */
export async function acceptOperation(
  d1: D1Database,
  owner: Owner,
  idOrName: string,
  from: readonly SettledVmStatus[],
  order: OperationOrder,
): Promise<Acceptance> {
  const db = drizzle(d1);
  const { id, kind, createdAt } = order;
  const via = statusDuring(kind);
  const unprotected = kind === "vm.delete" ? sql`${vms.protected} = 0` : undefined;
  const where = and(
    isVm(owner, idOrName),
    // Of a request that is made again under its idempotency key the operation may be there.
    sql`NOT EXISTS (SELECT 1 FROM operations made WHERE made.id = ${id})`,
    inArray(settledStatus, [...from]),
    sql`${pendingCount} < ${linkLimits.maxWaitingPerVm}`,
    unprotected,
    isAllowedInMaintenance(kind) ? undefined : inService,
  );
  const insert = db.insert(operations).select(db.select(newOperation(order)).from(vms).where(where));
  // What it shows belongs to the operation that runs; this one's turn comes later where others are pending.
  const show = db
    .update(vms)
    .set({ status: sql`COALESCE(${via}, ${vms.status})`, updatedAt: createdAt })
    .where(and(sql`${vms.id} = (SELECT a.vm_id FROM operations a WHERE a.id = ${id})`, sql`${pendingCount} = 1`));
  const [, , [vm], [host], [first], [operation], [waiting], , queued, hubs] = await db.batch([
    insert,
    show,
    ...viewStatements(db, isVm(owner, idOrName)),
    selectOperations(db).where(eq(operations.id, id)),
    db.select({ pending: pendingCount }).from(vms).where(isVm(owner, idOrName)),
    orderAudit(db, order),
    ...dispatchStatements(db, id),
  ]);
  return {
    view: toView(vm, host, first),
    operation: operation ?? null,
    pending: waiting?.pending ?? 0,
    dispatch: toDispatch(queued, hubs),
  };
}

/** Null where there is none that the owner may see. */
export async function findOperation(d1: D1Database, owner: Owner, id: string): Promise<OperationView | null> {
  const [operation] = await selectOperations(drizzle(d1)).where(and(eq(operations.id, id), isVisibleOperation(owner)));
  return operation ?? null;
}

export interface OperationFilter {
  readonly ids?: readonly string[] | undefined;
  readonly vmId?: string | undefined;
  readonly status?: OperationStatus | undefined;
  readonly kind?: OperationKind | undefined;
  /** Only what was accepted after this operation. */
  readonly after?: string | undefined;
  readonly descending: boolean;
  readonly page: number;
  readonly limit: number;
}

export async function listOperations(d1: D1Database, owner: Owner, filter: OperationFilter) {
  const db = drizzle(d1);
  const where = and(
    isVisibleOperation(owner),
    filter.ids && sql`${operations.id} IN (SELECT value FROM json_each(${JSON.stringify(filter.ids)}))`,
    filter.vmId === undefined ? undefined : eq(operations.vmId, filter.vmId),
    filter.status && eq(operations.status, filter.status),
    filter.kind && eq(operations.kind, filter.kind),
    filter.after === undefined
      ? undefined
      : sql`${operations.seq} > (SELECT a.seq FROM operations a WHERE a.id = ${filter.after})`,
  );
  const after = and(eq(operations.id, filter.after ?? ""), owner.seesAll ? undefined : eq(operations.userId, owner.id));
  const order = filter.descending ? desc : asc;
  const [rows, [total], found] = await db.batch([
    selectOperations(db)
      .where(where)
      .orderBy(order(operations.seq))
      .limit(filter.limit)
      .offset((filter.page - 1) * filter.limit),
    db.select({ count: count() }).from(operations).where(where),
    db.select({ seq: operations.seq }).from(operations).where(after),
  ]);
  return { rows, total: total?.count ?? 0, isAfterKnown: filter.after === undefined || found.length > 0 };
}

/** Hosts with an operation that was accepted before `before` and has no end here: it may be forgotten, or its end be. */
export async function hostsWithForgottenOperations(d1: D1Database, before: string): Promise<string[]> {
  const rows = await drizzle(d1)
    .selectDistinct({ hostId: operations.hostId })
    .from(operations)
    .where(and(isPending, sql`${operations.createdAt} < ${before}`));
  return rows.map(({ hostId }) => hostId);
}

/** What the user asked for, and what others asked of the user's machines; all of them for an administrator. */
export function isVisibleOperation({ id, seesAll }: Owner): SQL | undefined {
  if (seesAll) return undefined;
  return sql`(${operations.userId} = ${id} OR ${operations.vmId} IN (SELECT v.id FROM vms v WHERE v.owner_id = ${id}))`;
}
