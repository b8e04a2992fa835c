/** How each kind is asked for through the API, and in which state its machine must be. */
import type { OperationKind } from "../../protocol/operations.ts";
import { type VmAction, vmActions } from "../../protocol/vm.ts";

export interface Order {
  /** `absent`: it makes the machine. */
  readonly from: "absent" | "stopped" | "running" | "paused";
  readonly method: "POST" | "PATCH" | "DELETE";
  /** Below `/vms/{id}`. */
  readonly path: string;
  readonly body?: object;
  /** Where it leaves the machine when it succeeds; null: where it was. */
  readonly to: "absent" | "stopped" | "running" | "paused" | null;
}

/** At once: no guest has to boot for a round, so none could obey its power button. */
const withoutGrace: Partial<Record<VmAction, object>> = { stop: { force: true }, restart: { mode: "force" } };

export function orderOf(kind: OperationKind, diskGib: number): Order {
  if (kind === "vm.create") return { from: "absent", method: "POST", path: "", to: "running" };
  // The disk grows and the record changes, so that every step has something to do.
  if (kind === "vm.update")
    return { from: "stopped", method: "PATCH", path: "", body: { disk: diskGib + 1 }, to: null };
  if (kind === "vm.delete") return { from: "stopped", method: "DELETE", path: "", to: "absent" };
  const action = kind.slice("vm.".length) as VmAction;
  const { from, to } = vmActions[action];
  const state = from.find((one) => one === "running" || one === "stopped" || one === "paused");
  if (!state || (to !== "running" && to !== "stopped" && to !== "paused")) {
    throw new Error(
      `Say in test/chaos/orders.ts how ${kind} is asked for: its states are not a machine's that runs or not`,
    );
  }
  return { from: state, method: "POST", path: `/${action}`, body: withoutGrace[action] ?? {}, to };
}
