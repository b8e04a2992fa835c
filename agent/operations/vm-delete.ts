/** Deletes a machine with its disk. The edge has checked that it may run no more; what still runs is ended. */
import type { OperationHandler } from "./operation.ts";
import { cutPower } from "./vm-stop.ts";

export const vmDelete: OperationHandler<"vm.delete"> = {
  kind: "vm.delete",
  steps: [
    { name: "power-off", run: (context) => cutPower(context) },
    { name: "remove", run: ({ host, vmId }) => host.vms.remove(vmId) },
  ],
};
