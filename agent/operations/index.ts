/** Every operation kind and what carries it out. A kind without a handler does not compile. */
import type { OperationKind } from "../../protocol/operations.ts";
import type { OperationHandler } from "./operation.ts";
import { vmCreate } from "./vm-create.ts";
import { vmDelete } from "./vm-delete.ts";
import { vmPause, vmReset, vmResume } from "./vm-power.ts";
import { vmRestart } from "./vm-restart.ts";
import { vmStart } from "./vm-start.ts";
import { vmStop } from "./vm-stop.ts";
import { vmUpdate } from "./vm-update.ts";

export const handlers: { readonly [K in OperationKind]: OperationHandler<K> } = {
  "vm.create": vmCreate,
  "vm.start": vmStart,
  "vm.stop": vmStop,
  "vm.restart": vmRestart,
  "vm.pause": vmPause,
  "vm.resume": vmResume,
  "vm.reset": vmReset,
  "vm.delete": vmDelete,
  "vm.update": vmUpdate,
};
