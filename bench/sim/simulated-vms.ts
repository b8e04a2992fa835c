/** The machines of a simulated host: what an operation makes of them, without QEMU, and how often each took effect. */
import type { SessionVms } from "../../agent/session.ts";
import type { Outcome } from "../../protocol/agent-link.ts";
import type { OperationInput, VmReport, VmSpec } from "../../protocol/operations.ts";
import type { JournalOperation } from "../../agent/journal.ts";

interface SimulatedVm {
  readonly generation: number;
  spec: VmSpec;
  power: VmReport["power"];
  fault: VmReport["fault"];
}

const succeeded: Outcome = { status: "succeeded", code: null, message: null, result: null };

export class SimulatedVms implements SessionVms {
  /** By operation: a second effect of one is what must never be. */
  readonly effects = new Map<string, number>();
  /** Reported beside its own, as a host that lies would. */
  foreign: VmReport | null = null;
  readonly #vms = new Map<string, SimulatedVm>();
  readonly #accelerator: "kvm" | "tcg";

  constructor(accelerator: "kvm" | "tcg") {
    this.#accelerator = accelerator;
  }

  get ids(): string[] {
    return [...this.#vms.keys()];
  }

  /** A machine that the edge has not asked for: it is reported, and taken in. */
  put(vmId: string, spec: VmSpec, power: VmReport["power"]): void {
    this.#vms.set(vmId, { generation: 1, spec, power, fault: null });
  }

  get(vmId: string): { readonly generation: number; readonly spec: VmSpec } | null {
    return this.#vms.get(vmId) ?? null;
  }

  async report(vmId: string): Promise<VmReport | null> {
    return this.look(vmId);
  }

  async reports(): Promise<VmReport[]> {
    const own = this.ids.map((id) => this.look(id) as VmReport);
    return this.foreign ? [...own, this.foreign] : own;
  }

  look(vmId: string): VmReport | null {
    const vm = this.#vms.get(vmId);
    if (!vm) return null;
    const runs = vm.power !== "stopped";
    return {
      ...{ vmId, generation: vm.generation, power: vm.power, fault: vm.fault },
      ...(runs
        ? { pid: 1, startTicks: 1, accelerator: this.#accelerator }
        : { pid: null, startTicks: null, accelerator: null }),
    };
  }

  /** QEMU ends by itself. False where it doesn't run. */
  crash(vmId: string): boolean {
    const vm = this.#vms.get(vmId);
    if (!vm || vm.power === "stopped") return false;
    vm.power = "stopped";
    vm.fault = "crashed";
    return true;
  }

  /** Carries the operation out, whole. */
  apply({ id, kind, vmId, generation, input }: JournalOperation): Outcome {
    this.effects.set(id, (this.effects.get(id) ?? 0) + 1);
    if (kind === "vm.create") {
      const { spec, start } = input as OperationInput<"vm.create">;
      this.#vms.set(vmId, { generation, spec, power: start ? "running" : "stopped", fault: null });
      return succeeded;
    }
    const vm = this.#vms.get(vmId);
    if (kind === "vm.delete") {
      this.#vms.delete(vmId);
      return succeeded;
    }
    if (!vm) return { ...succeeded, status: "failed", code: "VM_MISSING", message: "There is no such machine here" };
    if (kind === "vm.update") {
      const { cpu, memory, disk, autostart } = input as OperationInput<"vm.update">;
      vm.spec = { ...vm.spec, cpu, memory, disk, autostart };
      return succeeded;
    }
    vm.power = kind === "vm.stop" ? "stopped" : kind === "vm.pause" ? "paused" : "running";
    vm.fault = null;
    return succeeded;
  }
}
