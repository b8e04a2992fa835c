/**
 * Creating a machine: its row, its quota, its place on a host and its first operation in one batch.
 *
 * The insert repeats every condition that was read before it. However many creations race, the database takes them
 * one after the other, and the last free place is given once.
 */
import { and, eq, notExists, or, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Capacity } from "./capacity.ts";
import type { HostStatus } from "../protocol/rest.ts";
import type { Placement, VmStatus } from "../protocol/vm.ts";
import { given } from "./given.ts";
import { newOperation, orderAudit, type OperationOrder } from "./operations.ts";
import { type Dispatch, dispatchStatements, toDispatch } from "./pending.ts";
import { type PlanLimits, type Quota, quota, used, withinQuota } from "./quotas.ts";
import { hosts, operations, users, type VmRow, vms } from "./schema.ts";
import { toView, viewStatements, type VmView } from "./vms.ts";

export interface CreationFacts {
  /** False where the account is gone or disabled since the token was made. */
  readonly mayCreate: boolean;
  /** What the owner has, and may have; null: no bound. */
  readonly quotas: Readonly<Record<Quota, { readonly used: number; readonly bound: number | null }>>;
  readonly nameTaken: boolean;
  readonly hosts: CandidateHost[];
}

export interface CandidateHost {
  readonly id: string;
  readonly status: HostStatus;
  readonly schedulable: boolean;
  readonly maintenance: boolean;
  /** `none`: it can run no machine. Null: it has never said. */
  readonly accelerator: "kvm" | "tcg" | "none" | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Capacity;
  readonly allocated: Capacity;
  readonly hasImage: boolean;
}

export interface CreationQuestion {
  readonly ownerId: string;
  readonly name: string;
  readonly imageId: string;
  /** Undefined: any. */
  readonly hostId?: string | undefined;
}

/** What decides whether and where a machine can be made. Read once, and checked again by the insert. */
export async function readCreationFacts(
  d1: D1Database,
  { ownerId, name, imageId, hostId }: CreationQuestion,
  plan: PlanLimits,
): Promise<CreationFacts> {
  const db = drizzle(d1);
  const [[user], pages] = await db.batch([
    db
      .select({
        disabled: users.disabled,
        ...quotaColumns(plan),
        nameTaken: sql<number>`EXISTS (SELECT 1 FROM vms WHERE owner_id = users.id AND name = ${name})`,
      })
      .from(users)
      .where(eq(users.id, ownerId)),
    db
      .select({ page: sql<string>`json_group_array(${candidateHost(imageId)})` })
      .from(hosts)
      .where(hostId === undefined ? undefined : eq(hosts.id, hostId))
      .groupBy(sql`hosts.rowid / ${hostsPerPage}`),
  ]);
  return {
    mayCreate: user?.disabled === false,
    quotas: {
      vms: { used: user?.usedVms ?? 0, bound: user?.vms ?? null },
      cpu: { used: user?.usedCpu ?? 0, bound: user?.cpu ?? null },
      memory: { used: user?.usedMemory ?? 0, bound: user?.memory ?? null },
      disk: { used: user?.usedDisk ?? 0, bound: user?.disk ?? null },
    },
    nameTaken: user?.nameTaken === 1,
    hosts: pages.flatMap(({ page }) => (JSON.parse(page) as CandidateRow[]).map(toCandidate)),
  };
}

/**
 * A creation reads every host, so nothing here reads a host's machines, and they come as pages of JSON: a thousand rows
 * with a dozen columns each keep the isolate busy for longer. A page stays far below D1's 2 MB a row.
 */
const hostsPerPage = 500;

type CandidateRow = [
  ...[id: string, status: HostStatus, schedulable: number, maintenance: number, hasImage: number],
  ...[accelerator: CandidateHost["accelerator"], labels: Record<string, string>],
  ...[cpu: number, memory: number, disk: number, givenCpu: number, givenMemory: number, givenDisk: number],
];

function candidateHost(imageId: string): SQL {
  return sql`json_array(${hosts.id}, ${hosts.status}, ${hosts.schedulable}, ${hosts.maintenance},
    EXISTS (SELECT 1 FROM host_images i WHERE i.image_id = ${imageId} AND i.host_id = hosts.id),
    CASE WHEN ${hosts.facts} IS NULL THEN NULL ELSE COALESCE(${accelerator}, 'none') END, json(${hosts.labels}),
    ${hosts.capacityCpu}, ${hosts.capacityMemory}, ${hosts.capacityDisk},
    ${hosts.allocatedCpu}, ${hosts.allocatedMemory}, ${hosts.allocatedDisk})`;
}

function toCandidate(row: CandidateRow): CandidateHost {
  const [id, status, schedulable, maintenance, hasImage, accelerator, labels, cpu, memory, disk, ...given] = row;
  return {
    ...{ id, status, accelerator, labels, capacity: { cpu, memory, disk } },
    ...{ schedulable: schedulable === 1, maintenance: maintenance === 1, hasImage: hasImage === 1 },
    allocated: { cpu: given[0], memory: given[1], disk: given[2] },
  };
}

const accelerator = sql`json_extract(${hosts.facts}, '$.accelerator')`;

function quotaColumns(plan: PlanLimits) {
  return {
    ...{ vms: quota("vms", plan), cpu: quota("cpu", plan), memory: quota("memory", plan), disk: quota("disk", plan) },
    ...{ usedVms: used("vms"), usedCpu: used("cpu"), usedMemory: used("memory"), usedDisk: used("disk") },
  };
}

/** What the caller decides of a machine's row. */
export type NewVm = Omit<
  VmRow,
  "generation" | "status" | "observed" | "statusReason" | "accelerator" | "createdAt" | "startedAt" | "updatedAt"
>;

/** Null where a condition no longer holds. */
export async function insertVm(
  d1: D1Database,
  vm: NewVm,
  placement: Pick<Placement, "labels" | "kvm">,
  order: OperationOrder,
  plan: PlanLimits,
): Promise<{ view: VmView; dispatch: Dispatch } | null> {
  const db = drizzle(d1);
  const clash = or(and(eq(vms.ownerId, vm.ownerId), eq(vms.name, vm.name)), eq(vms.macAddress, vm.macAddress));
  const machine = db
    .select(newVm(vm, order.createdAt))
    .from(hosts)
    .innerJoin(users, eq(users.id, vm.ownerId))
    .where(
      and(
        ...[eq(hosts.id, vm.hostId), isOpen, meets(placement), hasRoomFor(vm), eq(users.disabled, false)],
        ...[withinQuota("vms", 1, plan), withinQuota("cpu", vm.cpu, plan)],
        ...[withinQuota("memory", vm.memory, plan), withinQuota("disk", vm.disk, plan)],
        notExists(
          db
            .select({ one: sql`1` })
            .from(vms)
            .where(clash),
        ),
      ),
    );
  const [, , [made], [host], [first], , queued, hubs] = await db.batch([
    db.insert(vms).select(machine),
    db.insert(operations).select(db.select(newOperation(order)).from(vms).where(eq(vms.id, vm.id))),
    ...viewStatements(db, eq(vms.id, vm.id)),
    orderAudit(db, order),
    ...dispatchStatements(db, order.id),
  ]);
  const view = toView(made, host, first);
  return view && { view, dispatch: toDispatch(queued, hubs) };
}

/** What a machine's row is made of, to be selected from its host's. Every column, in the table's order. */
function newVm(vm: NewVm, now: string) {
  return {
    id: given<string>(vm.id, "id"),
    name: given<string>(vm.name, "name"),
    description: given<string>(vm.description, "description"),
    ownerId: users.id,
    hostId: hosts.id,
    generation: given<number>(1, "generation"),
    status: given<VmStatus>("creating", "status"),
    observed: given<VmStatus>("creating", "observed"),
    statusReason: given<null>(null, "status_reason"),
    cpu: given<number>(vm.cpu, "cpu"),
    memory: given<number>(vm.memory, "memory"),
    disk: given<number>(vm.disk, "disk"),
    os: given<string>(vm.os, "os"),
    imageId: given<string>(vm.imageId, "image_id"),
    network: given<string>(vm.network, "network"),
    macAddress: given<string>(vm.macAddress, "mac_address"),
    autostart: given<boolean>(Number(vm.autostart), "autostart"),
    protected: given<boolean>(Number(vm.protected), "protected"),
    labels: given<Record<string, string>>(JSON.stringify(vm.labels), "labels"),
    accelerator: given<null>(null, "accelerator"),
    createdAt: given<string>(now, "created_at"),
    startedAt: given<null>(null, "started_at"),
    updatedAt: given<string>(now, "updated_at"),
  };
}

/** What `blockersOf` in the API's placement.ts says, for the statement that takes the place. */
const isOpen = and(eq(hosts.status, "online"), eq(hosts.schedulable, true), eq(hosts.maintenance, false));

function meets({ labels = {}, kvm = false }: Pick<Placement, "labels" | "kvm">): SQL | undefined {
  const has = Object.entries(labels).map(
    ([key, value]) =>
      sql`EXISTS (SELECT 1 FROM json_each(${hosts.labels}) l WHERE l.key = ${key} AND l.value = ${value})`,
  );
  return and(...has, kvm ? sql`${accelerator} = 'kvm'` : undefined);
}

/** Whether the row of `hosts` in the statement around it may be given so much more. Who asks for no more is never refused. */
export function hasRoomFor(more: Capacity): SQL {
  const fits = (["cpu", "memory", "disk"] as const).map((what) => {
    const [taken, room] = [sql.raw(`hosts.allocated_${what}`), sql.raw(`hosts.capacity_${what}`)];
    return sql`(${more[what]} <= 0 OR ${taken} + ${more[what]} <= ${room})`;
  });
  return sql.join(fits, sql` AND `);
}
