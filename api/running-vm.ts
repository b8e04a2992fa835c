/** The machine that a stream leads to: one that the caller sees, with a process on a host that is there. */
import { findVm, type Owner } from "../db/vms.ts";
import type { VmStatus } from "../protocol/vm.ts";
import { ApiError } from "./errors.ts";
import { vmNotFound } from "./vm-not-found.ts";

/** A process is there, or was when its host was last heard of. */
const withProcess: readonly VmStatus[] = ["starting", "running", "paused", "stopping"];

/** Errors: VM_NOT_FOUND, VM_NOT_RUNNING, HOST_OFFLINE. */
export async function runningVm(
  d1: D1Database,
  owner: Owner,
  idOrName: string,
): Promise<{ readonly vmId: string; readonly hostId: string }> {
  const view = await findVm(d1, owner, idOrName);
  if (!view) throw vmNotFound(idOrName);
  const { vm, host } = view;
  if (!withProcess.includes(vm.status)) throw new ApiError("VM_NOT_RUNNING", `'${vm.name}' is ${vm.status}: start it`);
  if (host.status !== "online") {
    throw new ApiError("HOST_OFFLINE", `The host '${host.name}' is not connected`, { retryAfter: 5 });
  }
  return { vmId: vm.id, hostId: host.id };
}
