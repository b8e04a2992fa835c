/** A machine's life as somebody at the host's keyboard would drive it: qemu-img, QEMU with the same arguments, QMP. */
import { mkdir, rm } from "node:fs/promises";
import { createLinkedDisk } from "../agent/disks.ts";
import { writeSeed } from "../agent/cloud-init.ts";
import { HostPaths } from "../agent/paths.ts";
import { qemuArguments } from "../agent/qemu/arguments.ts";
import { type QemuProcess, startQemu, waitForExit } from "../agent/qemu/process.ts";
import type { Qmp } from "../agent/qemu/qmp.ts";
import type { VmSpec } from "../protocol/operations.ts";

export class ByHand {
  readonly #paths: HostPaths;
  readonly #base: string;
  readonly #accelerator: "kvm" | "tcg";

  constructor(home: string, runtime: string, base: string, accelerator: "kvm" | "tcg") {
    this.#paths = new HostPaths(home, runtime);
    this.#paths.prepare();
    this.#base = base;
    this.#accelerator = accelerator;
  }

  async makeDisk(vmId: string, sizeGib: number): Promise<void> {
    const vm = this.#paths.vm(vmId);
    await mkdir(vm.dir, { recursive: true, mode: 0o700 });
    await createLinkedDisk({ base: this.#base, baseFormat: "qcow2", path: vm.disk, sizeGib });
  }

  async makeSeed(vmId: string): Promise<void> {
    await writeSeed({ path: this.#paths.vm(vmId).seed, vmId, hostname: "by-hand", cloudInit: null });
  }

  async start(vmId: string, spec: VmSpec): Promise<{ qemu: QemuProcess; qmp: Qmp }> {
    const vm = this.#paths.vm(vmId);
    await mkdir(vm.sockets, { recursive: true, mode: 0o700 });
    return startQemu(qemuArguments({ vmId, spec, paths: vm, accelerator: this.#accelerator }), vm);
  }

  async quit({ qemu, qmp }: { qemu: QemuProcess; qmp: Qmp }): Promise<void> {
    await qmp.execute("quit").catch(() => {});
    await waitForExit(qemu, 10_000);
  }

  async remove(vmId: string): Promise<void> {
    await rm(this.#paths.vm(vmId).dir, { recursive: true });
    await rm(this.#paths.vm(vmId).sockets, { recursive: true, force: true });
  }
}
