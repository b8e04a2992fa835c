/** Restarts a machine by a new QEMU process, so that what changed in its settings since takes effect. */
import type { OperationHandler, Step } from "./operation.ts";
import { spawn } from "./vm-start.ts";
import { powerOff } from "./vm-stop.ts";

export const vmRestart: OperationHandler<"vm.restart"> = {
  kind: "vm.restart",
  steps: [powerOff as Step<"vm.restart">, spawn as Step<"vm.restart">],
};
