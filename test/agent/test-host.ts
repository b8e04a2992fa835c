/** A host of its own for a test: its folders, machines in them, and no trace of either afterwards. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLinkedDisk } from "../../agent/disks.ts";
import { writeSeed } from "../../agent/cloud-init.ts";
import { Machine } from "../../agent/machine.ts";
import { HostPaths } from "../../agent/paths.ts";
import { waitForExit } from "../../agent/qemu/process.ts";
import { VmSpec } from "../../protocol/operations.ts";
import { type ProcessInfo, qemusOf } from "../e2e/processes.ts";

export const testSpec = VmSpec.parse({
  cpu: 1,
  memory: 128,
  disk: 1,
  image: { id: "img-tiny", source: { from: "tiny" } },
  macAddress: "52:54:00:00:00:01",
  uuid: "8c5ff3fe-5a4f-4a3a-8ab6-7e2c4ad16dd0",
  network: "user",
  autostart: false,
});

export class TestHost {
  readonly folder = mkdtempSync(join(tmpdir(), "voidvm-host-"));
  readonly paths = new HostPaths(join(this.folder, "home"), join(this.folder, "run"));
  readonly context = { paths: this.paths, accelerator: "tcg" as const };
  #machines = 0;

  constructor() {
    this.paths.prepare();
  }

  /** A machine that is off, with an empty disk or one that boots `program`. */
  async addVm(program?: Buffer): Promise<string> {
    const vmId = `vm-${String(++this.#machines).padStart(26, "0")}`;
    const { dir, disk, seed } = this.paths.vm(vmId);
    mkdirSync(dir, { mode: 0o700 });
    const base = join(this.folder, `${vmId}.img`);
    writeFileSync(base, program ?? Buffer.alloc(512));
    await createLinkedDisk({ base, baseFormat: "raw", path: disk, sizeGib: testSpec.disk });
    await writeSeed({ path: seed, vmId, hostname: "test", cloudInit: null });
    return vmId;
  }

  async start(program?: Buffer): Promise<Machine> {
    return Machine.start(await this.addVm(program), testSpec, this.context);
  }

  qemus(): ProcessInfo[] {
    return qemusOf(this.folder);
  }

  /** Ends what a test left running, by number. */
  async endQemus(): Promise<void> {
    for (const qemu of this.qemus()) {
      process.kill(qemu.pid, "SIGKILL");
      // A process that has no command line any more may still hold its files.
      await waitForExit(qemu, 10_000);
    }
  }

  async dispose(): Promise<void> {
    await this.endQemus();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
