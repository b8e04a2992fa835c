/**
 * An operation kind as data: named steps, each of which can be looked at, done, and in some kinds taken back.
 *
 * Since steps are data, tests can crash the agent before and after every effect of every kind without knowing any.
 */
import type { OperationInput, OperationKind } from "../../protocol/operations.ts";
import type { ImageStore } from "../images.ts";
import type { HostPaths } from "../paths.ts";
import type { VmTable } from "../vm-table.ts";

export interface Host {
  readonly paths: HostPaths;
  readonly images: ImageStore;
  readonly vms: VmTable;
}

export interface OperationContext<K extends OperationKind = OperationKind> {
  readonly vmId: string;
  readonly generation: number;
  readonly input: OperationInput<K>;
  readonly host: Host;
  /** Percent within the running step; the engine scales it to the operation. */
  readonly progress: (percent: number, message: string) => void;
  /** Goes into the operation's `result`. */
  readonly result: Record<string, string | number | boolean | null>;
}

export interface Step<K extends OperationKind = OperationKind> {
  readonly name: string;
  /** Looks whether the effect is there already. Without it the journal's marks alone decide. */
  isDone?(context: OperationContext<K>): boolean | Promise<boolean>;
  run(context: OperationContext<K>): void | Promise<void>;
  /** Takes the effect back after a later step failed. Runs on half-done and on absent effects too. */
  undo?(context: OperationContext<K>): void | Promise<void>;
  /** True where a second run would be a second effect: a crash in the middle ends as `unknown`. */
  readonly once?: boolean;
}

export interface OperationHandler<K extends OperationKind = OperationKind> {
  readonly kind: K;
  readonly steps: readonly Step<K>[];
}
