/** Starts a machine. Starting one that runs changes nothing and succeeds. */
import type { OperationHandler, Step } from "./operation.ts";

export const spawn: Step = {
  name: "spawn",
  isDone: ({ host, vmId }) => host.vms.machine(vmId) !== null,
  run: ({ host, vmId }) => host.vms.start(vmId),
};

export const vmStart: OperationHandler<"vm.start"> = { kind: "vm.start", steps: [spawn] };
