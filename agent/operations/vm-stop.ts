/**
 * Stops a machine: presses its power button, waits, then ends QEMU if the guest ignored it.
 *
 * Every outcome leaves the machine stopped, and stopping a stopped or unknown one succeeds.
 */
import type { Machine } from "../machine.ts";
import type { OperationContext, OperationHandler, Step } from "./operation.ts";

/** A guest that is still booting loses the press of the button, so it is pressed again until the grace is over. */
const pressEveryMs = 3_000;

export const powerOff: Step<"vm.stop" | "vm.restart"> = {
  name: "power-off",
  isDone: ({ host, vmId }) => host.vms.get(vmId) === null,
  async run({ host, vmId, input, result }) {
    result["stoppedBy"] = "nothing-to-do";
    await host.vms.end(vmId, async (machine) => {
      const obeyed = input.graceMs > 0 && (await pressUntilOff(machine, input.graceMs));
      if (!obeyed) await machine.quit();
      result["stoppedBy"] = obeyed ? "guest" : "kill";
    });
  },
};

export const vmStop: OperationHandler<"vm.stop"> = { kind: "vm.stop", steps: [powerOff] };

/** Ends the process without asking the guest. Harmless where none runs. */
export async function cutPower({ host, vmId }: OperationContext): Promise<void> {
  if (host.vms.get(vmId)) await host.vms.end(vmId, (machine) => machine.quit());
}

async function pressUntilOff(machine: Machine, graceMs: number): Promise<boolean> {
  // The vCPUs of a paused machine would never see the button.
  if ((await machine.power()) === "paused") await machine.resume();
  for (let left = graceMs; left > 0; left -= pressEveryMs) {
    // QMP's own `stop` only pauses the vCPUs. `system_powerdown` is the ACPI power button.
    await machine.pressPowerButton();
    if (await machine.exited(Math.min(left, pressEveryMs))) return true;
  }
  return false;
}
