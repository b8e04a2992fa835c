/** A machine's screen: QEMU's own VNC server on a unix socket, which serves any number of viewers at once. */
import { connect } from "node:net";
import { once } from "node:events";
import type { Host } from "../operations/operation.ts";
import { HostError } from "../errors.ts";
import { ScreenStream } from "../vnc/screen-stream.ts";
import type { StreamEnd, TargetOf } from "./stream-end.ts";

/** Errors: VM_MISSING, VM_NOT_RUNNING, QEMU_FAILED. */
export async function openVnc({ vmId, viewOnly }: TargetOf<"vnc">, { vms, paths }: Host): Promise<StreamEnd> {
  vms.running(vmId);
  const qemu = connect(paths.vm(vmId).vnc);
  try {
    await once(qemu, "connect");
  } catch (error) {
    throw new HostError("QEMU_FAILED", `QEMU does not show its screen: ${(error as Error).message}`, { cause: error });
  }
  const stream = new ScreenStream(qemu, viewOnly);
  return {
    stream,
    writable: !viewOnly,
    control: (message) => stream.control(message),
    onControl: (listener) => stream.onControl(listener),
  };
}
