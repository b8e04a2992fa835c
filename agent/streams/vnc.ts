/** A machine's screen: QEMU's own VNC server on a unix socket, which serves any number of viewers at once. */
import { connect } from "node:net";
import { once } from "node:events";
import type { Host } from "../operations/operation.ts";
import { HostError } from "../errors.ts";
import type { StreamEnd, TargetOf } from "./stream-end.ts";

/** Errors: VM_MISSING, VM_NOT_RUNNING, QEMU_FAILED. */
export async function openVnc({ vmId, viewOnly }: TargetOf<"vnc">, { vms, paths }: Host): Promise<StreamEnd> {
  if (viewOnly) throw new HostError("HOST_ERROR", "This agent can't keep a viewer from typing");
  vms.running(vmId);
  const stream = connect(paths.vm(vmId).vnc);
  try {
    await once(stream, "connect");
  } catch (error) {
    throw new HostError("QEMU_FAILED", `QEMU does not show its screen: ${(error as Error).message}`, { cause: error });
  }
  return { stream, writable: true };
}
