/** Pause, resume and reset: one QMP command each on a machine that runs. */
import type { OperationHandler } from "./operation.ts";

export const vmPause: OperationHandler<"vm.pause"> = {
  kind: "vm.pause",
  steps: [
    {
      name: "pause",
      isDone: async ({ host, vmId }) => (await host.vms.running(vmId).power()) === "paused",
      run: ({ host, vmId }) => host.vms.running(vmId).pause(),
    },
  ],
};

export const vmResume: OperationHandler<"vm.resume"> = {
  kind: "vm.resume",
  steps: [
    {
      name: "resume",
      isDone: async ({ host, vmId }) => (await host.vms.running(vmId).power()) === "running",
      run: ({ host, vmId }) => host.vms.running(vmId).resume(),
    },
  ],
};

export const vmReset: OperationHandler<"vm.reset"> = {
  kind: "vm.reset",
  steps: [
    {
      name: "reset",
      // Nothing tells a machine that was reset from one that wasn't, and a second reset would lose what it did since.
      once: true,
      async run({ host, vmId }) {
        const machine = host.vms.running(vmId);
        await machine.reset();
        // The API promises `running` after a reset; QEMU leaves a paused machine paused.
        if ((await machine.power()) === "paused") await machine.resume();
      },
    },
  ],
};
