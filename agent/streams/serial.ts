/** A machine's serial console. */
import type { Machine } from "../machine.ts";
import type { Host } from "../operations/operation.ts";
import { SerialConsole } from "../serial/serial-console.ts";
import type { StreamEnd, TargetOf } from "./stream-end.ts";

/** One for each life of a machine: with the process its console is gone. */
const consoles = new WeakMap<Machine, SerialConsole>();

/** Errors: VM_MISSING, VM_NOT_RUNNING, QEMU_FAILED. */
export async function openSerial({ vmId, write }: TargetOf<"serial">, { vms, paths }: Host): Promise<StreamEnd> {
  const machine = vms.running(vmId);
  let console = consoles.get(machine);
  if (!console) consoles.set(machine, (console = new SerialConsole(paths.vm(vmId))));
  const reader = await console.attach(write);
  return {
    stream: reader,
    get writable() {
      return reader.mayWrite;
    },
    control({ type }) {
      if (type === "take-over") reader.takeOver();
    },
    onControl: (listener) => reader.onControl(listener),
  };
}
