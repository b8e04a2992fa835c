/** From the body of `PATCH /vms/{id}` to a changed machine and the order to its host, or to the reason why not. */
import type { Context } from "hono";
import { readCreationFacts } from "../db/create-vm.ts";
import type { OperationRow, VmRow } from "../db/schema.ts";
import { readUpdateFacts, updateVm, type VmSettings } from "../db/update-vm.ts";
import { findVm, type VmView } from "../db/vms.ts";
import { linkLimits } from "../protocol/agent-link.ts";
import { operationInputs, type VmHardware } from "../protocol/operations.ts";
import { updateFrom, type VmUpdate } from "../protocol/vm.ts";
import { assertQuota } from "./assert-quota.ts";
import { currentConfig } from "./config.ts";
import type { AppEnv } from "./env.ts";
import { ApiError, badField } from "./errors.ts";
import { assertMatches, hasPrecondition, preconditionFailed } from "./etag.ts";
import { newId } from "./ids.ts";
import { hostInMaintenance } from "./host-in-maintenance.ts";
import { languageOf } from "./language.ts";
import { ownerOf } from "./owner.ts";
import { toVm } from "./views.ts";
import { vmNotFound } from "./vm-not-found.ts";

export interface UpdatedVm {
  readonly view: VmView;
  /** Null: its host has nothing to do. */
  readonly operation: OperationRow | null;
  /** The machine runs, and takes the change with its next start. */
  readonly requiresRestart: boolean;
}

/** How often a change is tried again because another came between. */
const tries = 5;

/** Errors: 400, 404, 412, NAME_TAKEN, QUOTA_EXCEEDED, INSUFFICIENT_CAPACITY, 409 where the state forbids it. */
export async function changeVm(c: Context<AppEnv>, idOrName: string, wanted: VmUpdate): Promise<UpdatedVm> {
  const { limits, storage } = await currentConfig(c);
  if (wanted.disk !== undefined && wanted.disk > storage.maxDisk) {
    throw badField("disk", `at most ${storage.maxDisk} GiB`);
  }
  for (let left = tries; left > 0; left--) {
    const view = await findVm(c.env.DB, ownerOf(c), idOrName);
    if (!view) throw vmNotFound(idOrName);
    await assertMatches(c, toVm(view, languageOf(c)));
    const { vm: before } = view;
    const after = settingsOf(before, wanted);
    if (after.disk < before.disk) throw badField("disk", `it has ${before.disk} GiB, and a disk never shrinks`);

    const order = isSameHardware(before, after) ? null : orderOf(c, before, after);
    const updated = await updateVm(c.env.DB, { before, after, order }, limits, c.var.auditNote);
    if (updated) {
      const runs = view.settled === "running" || view.settled === "paused";
      return { ...updated, requiresRestart: runs && (after.cpu !== before.cpu || after.memory !== before.memory) };
    }
    if (order && view.host.maintenance) throw hostInMaintenance(view);
    await assertAllowed(c, before, after, order !== null);
    if (hasPrecondition(c)) throw preconditionFailed();
  }
  throw new ApiError("UNAVAILABLE", "Too many changes of this machine at once: try again", { retryAfter: 1 });
}

function settingsOf(before: VmRow, wanted: VmUpdate): VmSettings {
  return {
    name: wanted.name ?? before.name,
    description: wanted.description ?? before.description,
    labels: wanted.labels ?? before.labels,
    protected: wanted.protected ?? before.protected,
    ...hardwareOf({ ...before, ...definedHardware(wanted) }),
  };
}

function definedHardware({ cpu, memory, disk, autostart }: VmUpdate): Partial<VmHardware> {
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(disk === undefined ? {} : { disk }),
    ...(autostart === undefined ? {} : { autostart }),
  };
}

function hardwareOf({ cpu, memory, disk, autostart }: VmHardware): VmHardware {
  return { cpu, memory, disk, autostart };
}

function isSameHardware(before: VmHardware, after: VmHardware): boolean {
  return JSON.stringify(hardwareOf(before)) === JSON.stringify(hardwareOf(after));
}

function orderOf(c: Context<AppEnv>, before: VmRow, after: VmSettings) {
  return {
    id: newId("op"),
    kind: "vm.update" as const,
    input: operationInputs["vm.update"].parse({ ...hardwareOf(after), before: hardwareOf(before) }),
    userId: c.var.caller.id,
    requestId: c.var.requestId,
    createdAt: new Date().toISOString(),
    audit: c.var.auditNote,
  };
}

/** Returns where nothing stands in the way any more: then another change came between. */
async function assertAllowed(c: Context<AppEnv>, before: VmRow, after: VmSettings, isOrdered: boolean): Promise<void> {
  const { limits } = await currentConfig(c);
  const facts = await readUpdateFacts(c.env.DB, before, after.name);
  if (!facts) throw vmNotFound(before.id);
  if (facts.nameTaken === 1) throw new ApiError("NAME_TAKEN", `There is a machine named '${after.name}' already`);
  if (!isOrdered) return;
  const { settled } = facts;
  if (settled === "deleting") throw new ApiError("VM_DELETING", `'${before.name}' is being deleted`);
  if (!updateFrom.includes(settled)) throw new ApiError("VM_SUSPENDED", `'${before.name}' is or will be ${settled}`);
  if (facts.pendingChange === 1) {
    throw new ApiError("VM_UPDATE_PENDING", `Wait for the last change of '${before.name}', or cancel it`);
  }
  const more = { vms: 0, cpu: after.cpu - before.cpu, memory: after.memory - before.memory, disk: 0 };
  more.disk = after.disk - before.disk;
  const { ownerId, imageId, hostId } = before;
  const { quotas, hosts } = await readCreationFacts(c.env.DB, { ownerId, imageId, hostId, name: after.name }, limits);
  assertQuota(quotas, more);
  const [host] = hosts;
  const isFull = (what: "cpu" | "memory" | "disk") =>
    host && more[what] > 0 && host.allocated[what] + more[what] > host.capacity[what];
  if (isFull("cpu") || isFull("memory") || isFull("disk")) {
    throw new ApiError("INSUFFICIENT_CAPACITY", `The host of '${before.name}' has no room for the change`);
  }
  if (facts.pending >= linkLimits.maxWaitingPerVm) {
    throw new ApiError("TOO_MANY_OPERATIONS", `${facts.pending} operations of '${before.name}' wait already`, {
      retryAfter: 5,
    });
  }
}
