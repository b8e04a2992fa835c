/**
 * Changes a machine: its disk grows at once, running or not; vCPUs and memory are taken with the next start.
 *
 * The disk comes first, so that the record never promises more than there is. A disk only grows, so a second run
 * finds nothing to do.
 */
import { diskBytes, growDisk } from "../disks.ts";
import type { OperationHandler } from "./operation.ts";

export const vmUpdate: OperationHandler<"vm.update"> = {
  kind: "vm.update",
  steps: [
    {
      name: "disk",
      async isDone({ host, vmId, input }) {
        host.vms.known(vmId);
        return (await diskBytes(host.paths.vm(vmId).disk)) >= input.disk * 1024 ** 3;
      },
      async run({ host, vmId, input }) {
        const machine = host.vms.machine(vmId);
        if (machine) await machine.growDisk(input.disk);
        else await growDisk(host.paths.vm(vmId).disk, input.disk);
      },
    },
    {
      name: "record",
      async run({ host, vmId, input: { before, ...hardware }, result }) {
        await host.vms.change(vmId, hardware);
        const changed = hardware.cpu !== before.cpu || hardware.memory !== before.memory;
        result["requiresRestart"] = changed && host.vms.machine(vmId) !== null;
      },
    },
  ],
};
