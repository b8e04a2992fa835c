/**
 * What the hosts' objects decided, written into D1.
 *
 * Every change can be written again without harm, since an object repeats what it isn't sure of. A machine's row
 * is written only by its own host and for its own generation.
 */
import { and, eq, inArray, lte, ne, type SQL, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { HostFacts, Outcome } from "../protocol/agent-link.ts";
import type { OperationKind, VmReport } from "../protocol/operations.ts";
import type { VmStatus } from "../protocol/vm.ts";
import { type Adopted, adoption } from "./adoption.ts";
import { hostAudit } from "./audit.ts";
import { countCapacity } from "./capacity.ts";
import type { OperationView } from "./operation-view.ts";
import { watchersOfOperation, watchersWithNews } from "./events.ts";
import { hasImageOf, hostImageStatements } from "./host-images.ts";
import { adoptionLog, hostLog, operationLog, updateLog, vmLog } from "./projection-logs.ts";
import { hosts, operations, vms } from "./schema.ts";

/** `at` is when the object learnt of it, as an ISO string. */
export type Change =
  | { type: "host-online"; at: string; epoch: number; facts: HostFacts; agentVersion: string; updatable: boolean }
  | { type: "host-offline"; at: string; epoch: number }
  | { type: "host-quarantined"; at: string; epoch: number }
  | { type: "host-released"; at: string; epoch: number }
  | { type: "update-failed"; at: string; version: string; reason: string }
  | { type: "vms"; at: string; vms: VmReport[] }
  | { type: "vms-missing"; at: string; present: string[] }
  | { type: "vms-adopted"; at: string; vms: readonly Adopted[] }
  | { type: "vms-foreign"; at: string; vmIds: readonly string[] }
  | { type: "started"; at: string; operationId: string; vmId: string }
  | {
      type: "ended";
      at: string;
      operationId: string;
      kind: OperationKind;
      vmId: string;
      outcome: Outcome;
      /** Null: the host says that it has no such machine. `unseen`: the host has said nothing. */
      vm: VmReport | null | "unseen";
    };

type Database = DrizzleD1Database;
type Statement = Parameters<Database["batch"]>[0][number];

/** Writes the changes in their order, all of them or none. Returns the hubs that have something new to read. */
export async function project(d1: D1Database, hostId: string, changes: readonly Change[]): Promise<string[]> {
  const db = drizzle(d1);
  const [first, ...rest] = changes.flatMap((change) => statementsFor(db, hostId, change));
  if (!first) return [];
  const answers = await db.batch([first, ...rest, watchersWithNews(db)]);
  return (answers.at(-1) as { hub: string }[]).map(({ hub }) => hub);
}

/** Progress may be lost, so it goes beside the outbox. Returns the hubs that may be told, and what of. */
export async function projectProgress(
  d1: D1Database,
  progress: { operationId: string; percent: number; step: string; message: string },
): Promise<{ readonly hubs: string[]; readonly operation: OperationView | null }> {
  const db = drizzle(d1);
  const { percent, step, message, operationId } = progress;
  const [[operation], hubs] = await db.batch([
    db
      .update(operations)
      .set({ percent, step, stepMessage: message })
      .where(and(eq(operations.id, operationId), eq(operations.status, "running")))
      .returning(),
    watchersOfOperation(db, operationId),
  ]);
  // It runs, so it waits for nothing.
  const view = operation ? { ...operation, hostStatus: null, behind: null } : null;
  return { hubs: hubs.map(({ hub }) => hub), operation: view };
}

function statementsFor(db: Database, hostId: string, change: Change): Statement[] {
  switch (change.type) {
    case "host-online":
      return [hostLog(db, hostId, change), ...hostOnline(db, hostId, change)];
    case "host-offline":
      return [
        hostLog(db, hostId, change),
        db
          .update(hosts)
          .set({ status: "offline", lastSeenAt: change.at })
          .where(and(eq(hosts.id, hostId), lte(hosts.epoch, change.epoch), ne(hosts.status, "quarantined"))),
      ];
    case "host-quarantined":
      return quarantined(db, hostId, change);
    case "host-released":
      return [
        db
          .update(hosts)
          .set({ status: "offline", statusReason: null })
          .where(and(eq(hosts.id, hostId), eq(hosts.status, "quarantined"))),
      ];
    case "update-failed":
      return [updateLog(db, hostId, change), updateFailed(db, hostId, change)];
    case "vms":
      return change.vms.flatMap((vm) => observed(db, hostId, vm, change.at));
    case "vms-missing":
      return missing(db, hostId, change.present, change.at);
    case "vms-adopted":
      return change.vms.flatMap(({ vm, spec }) => [
        adoption(db, hostId, { vm, spec }, change.at),
        adoptionLog(db, hostId, vm.vmId, change.at),
        ...observed(db, hostId, vm, change.at),
      ]);
    case "vms-foreign":
      return [hostAudit(db, hostId, { ...foreignNote(change.vmIds), at: change.at })];
    case "started":
      return started(db, change);
    case "ended":
      return [operationLog(db, hostId, change), ...ended(db, hostId, change)];
  }
}

function quarantined(
  db: Database,
  hostId: string,
  { at, epoch }: Extract<Change, { type: "host-quarantined" }>,
): Statement[] {
  const reason = "Two agents connected with this host's key. End one of them and release the host, or enrol it again";
  return [
    hostLog(db, hostId, { type: "host-quarantined", at, epoch }),
    db
      .update(hosts)
      .set({ status: "quarantined", statusReason: reason, lastSeenAt: at })
      .where(and(eq(hosts.id, hostId), lte(hosts.epoch, epoch))),
    hostAudit(db, hostId, { at, key: `quarantine:${epoch}`, what: "session", code: "HOST_QUARANTINED" }),
  ];
}

/** One entry for each set of machines, however often the host says it again. */
function foreignNote(vmIds: readonly string[]) {
  const [first = ""] = vmIds;
  const what = `report of ${vmIds.length} machines of other hosts: ${vmIds.slice(0, 10).join(" ")}`;
  return { key: `foreign:${first}:${vmIds.length}`, what, code: "FOREIGN_VM" };
}

function hostOnline(db: Database, hostId: string, change: Extract<Change, { type: "host-online" }>): Statement[] {
  const { images, ...facts } = change.facts;
  const isCurrent = and(eq(hosts.id, hostId), lte(hosts.epoch, change.epoch));
  const online = db
    .update(hosts)
    .set({
      ...{ status: "online", statusReason: null, facts, agentVersion: change.agentVersion },
      ...{ epoch: change.epoch, lastSeenAt: change.at, updatable: change.updatable },
      ...updated(change.agentVersion),
    })
    .where(isCurrent);
  return [online, countCapacity(db, isCurrent), ...(images ? hostImageStatements(db, hostId, images) : [])];
}

/** What an update was about is forgotten once it has succeeded. */
function updated(version: string) {
  const unlessDone = (column: SQLiteColumn) =>
    sql`CASE WHEN ${hosts.updateVersion} = ${version} THEN NULL ELSE ${column} END`;
  return {
    updateOrderedAt: unlessDone(hosts.updateOrderedAt),
    updateError: unlessDone(hosts.updateError),
    updateVersion: unlessDone(hosts.updateVersion),
  };
}

function updateFailed(db: Database, hostId: string, change: Extract<Change, { type: "update-failed" }>): Statement {
  const { version, reason } = change;
  return db.update(hosts).set({ updateVersion: version, updateError: reason }).where(eq(hosts.id, hostId));
}

/** A machine as its host sees it. What it shows stays the operation's while one is under way. */
function observed(db: Database, hostId: string, vm: VmReport, at: string): Statement[] {
  const { status, ...values } = settled(vm, at);
  const update = db
    .update(vms)
    .set({ ...values, observed: status, status: sql`COALESCE(${firstPending("via")}, ${status})` })
    .where(ownRow(hostId, vm));
  if (vm.fault === null) return [update];
  // Once for each time that it begins: a host repeats what it sees.
  const isNew = sql`${vms.statusReason} IS NOT ${values.statusReason}`;
  return [vmLog(db, { fault: vm.fault, hostId, at }, sql`${ownRow(hostId, vm)} AND ${isNew}`), update];
}

function missing(db: Database, hostId: string, present: string[], at: string): Statement[] {
  const reason = "The host no longer has this machine: delete it here, and create it again if it is needed";
  const where = sql`${vms.hostId} = ${hostId}
    AND ${vms.id} NOT IN (SELECT value FROM json_each(${JSON.stringify(present)}))
    AND ${vms.observed} NOT IN ('creating', 'error')`;
  return [
    vmLog(db, { fault: "missing", hostId, at }, where),
    // A machine that the host has not made yet can't be missing, and one whose creation failed says why.
    db.update(vms).set(gone(reason, at)).where(where),
  ];
}

function started(db: Database, { operationId, vmId, at }: Extract<Change, { type: "started" }>): Statement[] {
  return [
    db
      .update(operations)
      .set({ status: "running", startedAt: at })
      .where(and(eq(operations.id, operationId), eq(operations.status, "queued"))),
    db
      .update(vms)
      .set({ status: sql`COALESCE((SELECT via FROM operations WHERE id = ${operationId}), ${vms.status})` })
      .where(and(eq(vms.id, vmId), sql`${firstPending("id")} = ${operationId}`)),
  ];
}

function ended(db: Database, hostId: string, change: Extract<Change, { type: "ended" }>): Statement[] {
  const { operationId, kind, vmId, outcome, vm, at } = change;
  const operation = db
    .update(operations)
    .set({
      status: outcome.status,
      result: outcome.result,
      errorCode: outcome.code,
      errorMessage: outcome.message,
      percent: outcome.status === "succeeded" ? 100 : sql`${operations.percent}`,
      // What was taken back never began.
      ...(outcome.status === "cancelled" ? {} : { startedAt: sql`COALESCE(${operations.startedAt}, ${at})` }),
      finishedAt: at,
      input: null,
    })
    .where(and(eq(operations.id, operationId), inArray(operations.status, ["queued", "running"])));

  if (kind === "vm.delete" && outcome.status === "succeeded") {
    return [operation, db.delete(vms).where(and(eq(vms.id, vmId), eq(vms.hostId, hostId)))];
  }
  // What was only asked for is not what the machine has. It comes first: the order's input goes with its end.
  const isUndone = kind === "vm.update" && (outcome.status === "failed" || outcome.status === "cancelled");
  const restored = isUndone ? [hardwareAsBefore(db, hostId, operationId, vmId)] : [];
  if (vm === "unseen") return [...restored, operation, unseen(db, hostId, vmId, outcome, at)];
  const proven = kind === "vm.create" && outcome.status === "succeeded" ? [hasImageOf(db, hostId, vmId)] : [];
  const seen = vm ? observed(db, hostId, vm, at) : [absent(db, hostId, vmId, outcome, at)];
  return [...restored, operation, ...seen, ...proven];
}

function hardwareAsBefore(db: Database, hostId: string, operationId: string, vmId: string): Statement {
  const before = (what: string) =>
    sql`(SELECT json_extract(o.input, ${`$.before.${what}`}) FROM operations o WHERE o.id = ${operationId})`;
  const isPending = sql`EXISTS (SELECT 1 FROM operations o WHERE o.id = ${operationId} AND o.input IS NOT NULL
    AND o.status IN ('queued', 'running'))`;
  return db
    .update(vms)
    .set({ cpu: before("cpu"), memory: before("memory"), disk: before("disk"), autostart: before("autostart") })
    .where(and(eq(vms.id, vmId), eq(vms.hostId, hostId), isPending));
}

/** Its host has no such machine: the creation failed, or it is gone. */
function absent(db: Database, hostId: string, vmId: string, { code, message }: Outcome, at: string): Statement {
  // What is queued behind a failed creation fails for want of the machine, and must not hide the first reason.
  const reason = sql`CASE WHEN ${code} = 'VM_MISSING' AND ${vms.statusReason} IS NOT NULL
    THEN ${vms.statusReason} ELSE ${message} END`;
  return db
    .update(vms)
    .set(gone(reason, at))
    .where(and(eq(vms.id, vmId), eq(vms.hostId, hostId)));
}

/** A row whose machine its host doesn't have. */
function gone(reason: string | SQL, at: string) {
  return {
    observed: "error" as const,
    status: sql`COALESCE(${firstPending("via")}, 'error')`,
    statusReason: reason,
    accelerator: null,
    updatedAt: at,
  };
}

/** The operation ended without its host: the machine is what it was, and one that was never made stays unmade. */
function unseen(db: Database, hostId: string, vmId: string, { message }: Outcome, at: string): Statement {
  const isUnmade = sql`${vms.observed} = 'creating'`;
  return db
    .update(vms)
    .set({
      observed: sql`CASE WHEN ${isUnmade} THEN 'error' ELSE ${vms.observed} END`,
      status: sql`COALESCE(${firstPending("via")}, CASE WHEN ${isUnmade} THEN 'error' ELSE ${vms.observed} END)`,
      statusReason: sql`CASE WHEN ${isUnmade} THEN ${message} ELSE ${vms.statusReason} END`,
      updatedAt: at,
    })
    .where(and(eq(vms.id, vmId), eq(vms.hostId, hostId)));
}

function settled(vm: VmReport, at: string) {
  const status: VmStatus = vm.fault === "crashed" && vm.power === "stopped" ? "error" : vm.power;
  const on = vm.power !== "stopped";
  return {
    status,
    statusReason: faultReasons[vm.fault ?? "none"],
    accelerator: vm.accelerator,
    startedAt: on ? sql`COALESCE(${vms.startedAt}, ${at})` : null,
    updatedAt: at,
  };
}

const faultReasons = {
  none: null,
  crashed: "QEMU ended by itself. The disk is kept: start the machine again",
  "no-space": "The disk of the host is full. The machine is paused, and goes on when there is room",
} as const;

function ownRow(hostId: string, vm: VmReport) {
  return and(eq(vms.id, vm.vmId), eq(vms.hostId, hostId), lte(vms.generation, vm.generation));
}

function firstPending(column: "id" | "via"): SQL {
  return sql`(SELECT o.${sql.raw(column)} FROM operations o WHERE o.vm_id = vms.id AND o.status IN ('queued', 'running')
    ORDER BY o.seq LIMIT 1)`;
}
