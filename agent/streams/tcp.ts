/** A TCP port of the guest. */
import { HostError } from "../errors.ts";
import type { Host } from "../operations/operation.ts";
import { connectToGuest } from "../qemu/user-network.ts";
import type { StreamEnd, TargetOf } from "./stream-end.ts";

/** Errors: VM_MISSING, VM_NOT_RUNNING, PORT_CLOSED, GUEST_UNREACHABLE, QEMU_FAILED. */
export async function openTcp({ vmId, port }: TargetOf<"tcp">, { vms }: Host): Promise<StreamEnd> {
  const machine = vms.running(vmId);
  if ((await machine.power()) !== "running") {
    throw new HostError("VM_NOT_RUNNING", "The machine is paused or off: nothing in it answers");
  }
  return { stream: await connectToGuest(machine.qmp.bind(machine), port), writable: true };
}
