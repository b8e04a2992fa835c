/** Makes a machine: its image, its record, a disk linked to the image, its first boot settings. A failure leaves nothing. */
import { access, rm } from "node:fs/promises";
import { writeSeed } from "../cloud-init.ts";
import { createLinkedDisk } from "../disks.ts";
import type { OperationHandler } from "./operation.ts";
import { cutPower } from "./vm-stop.ts";

export const vmCreate: OperationHandler<"vm.create"> = {
  kind: "vm.create",
  steps: [
    {
      name: "image",
      async run({ host, input, progress }) {
        await host.images.ensure(input.spec.image, progress);
      },
    },
    {
      name: "record",
      isDone: ({ host, vmId, generation }) => host.vms.get(vmId)?.generation === generation,
      run: ({ host, vmId, generation, input }) => host.vms.add(vmId, generation, input.spec),
      undo: ({ host, vmId }) => host.vms.remove(vmId),
    },
    {
      name: "disk",
      isDone: ({ host, vmId }) => exists(host.paths.vm(vmId).disk),
      async run({ host, vmId, input }) {
        const { image, disk } = input.spec;
        await createLinkedDisk({
          base: await host.images.ensure(image),
          baseFormat: image.source.from === "url" ? image.source.format : "qcow2",
          path: host.paths.vm(vmId).disk,
          sizeGib: disk,
        });
      },
      undo: ({ host, vmId }) => rm(host.paths.vm(vmId).disk, { force: true }),
    },
    {
      name: "seed",
      isDone: ({ host, vmId }) => exists(host.paths.vm(vmId).seed),
      run: ({ host, vmId, input: { hostname, cloudInit } }) =>
        writeSeed({ path: host.paths.vm(vmId).seed, vmId, hostname, cloudInit }),
      undo: ({ host, vmId }) => rm(host.paths.vm(vmId).seed, { force: true }),
    },
    {
      name: "start",
      isDone: ({ host, vmId, input }) => !input.start || host.vms.machine(vmId) !== null,
      run: ({ host, vmId }) => host.vms.start(vmId),
      undo: (context) => cutPower(context),
    },
  ],
};

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
