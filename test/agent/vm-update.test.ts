/** `vm.update` by the engine, with real disks, real QEMU and a record on disk. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskBytes } from "../../agent/disks.ts";
import { Journal, type JournalOperation } from "../../agent/journal.ts";
import { type Engine, runOperation } from "../../agent/operations/engine.ts";
import { VmTable } from "../../agent/vm-table.ts";
import type { VmHardware } from "../../protocol/operations.ts";
import { readProcess } from "../e2e/processes.ts";
import { idles } from "./boot-sector.ts";
import { TestHost, testSpec } from "./test-host.ts";

const gib = 1024 ** 3;
const before: VmHardware = { cpu: 1, memory: 128, disk: 1, autostart: false };

let host: TestHost;
let vms: VmTable;
let journal: Journal;
let engine: Engine;
let vmId: string;
beforeEach(async () => {
  host = new TestHost();
  vms = new VmTable({
    paths: host.paths,
    accelerator: "tcg",
    acceleratorReason: "a test",
    bootId: "boot",
    log: () => {},
  });
  await vms.load();
  vmId = await host.addVm(idles);
  await vms.add(vmId, 1, testSpec);
  journal = new Journal(join(host.folder, "journal.db"));
  engine = { journal, host: { paths: host.paths, vms } as Engine["host"], onProgress: () => {} };
});
afterEach(async () => {
  vms.close();
  journal.close();
  await host.dispose();
});

let operations = 0;
async function update(values: Partial<VmHardware>, from: VmHardware = before): Promise<JournalOperation> {
  const id = `op-${++operations}`;
  journal.accept({ id, kind: "vm.update", vmId, generation: 1, input: { ...from, ...values, before: from } });
  await runOperation(journal.find(id)!, engine);
  return journal.find(id)!;
}

const diskSize = () => diskBytes(host.paths.vm(vmId).disk);

describe("vm.update", () => {
  it("of a machine that is off grows its disk, and it starts with what it was given", async () => {
    const operation = await update({ cpu: 2, memory: 192, disk: 3, autostart: true });
    expect(operation.outcome).toMatchObject({ status: "succeeded", result: { requiresRestart: false } });
    expect(await diskSize()).toBe(3 * gib);
    const record = JSON.parse(readFileSync(host.paths.vm(vmId).record, "utf8")) as { spec: object };
    expect(record.spec).toEqual({ ...testSpec, cpu: 2, memory: 192, disk: 3, autostart: true });
    await vms.start(vmId);
    const { command } = readProcess(vms.running(vmId).pid)!;
    expect(command[command.indexOf("-smp") + 1]).toBe("2");
    expect(command[command.indexOf("-m") + 1]).toBe("192M");
  });

  it("of one that runs shows the guest the larger disk at once, and leaves the rest to the next start", async () => {
    await vms.start(vmId);
    const { pid } = vms.running(vmId);
    expect((await update({ disk: 2 })).outcome).toMatchObject({ result: { requiresRestart: false } });
    const [disk] = await vms.running(vmId).qmp<{ inserted: { image: { "virtual-size": number } } }[]>("query-block");
    expect(disk?.inserted.image["virtual-size"]).toBe(2 * gib);
    const operation = await update({ memory: 256, disk: 2 }, { ...before, disk: 2 });
    expect(operation.outcome).toMatchObject({ status: "succeeded", result: { requiresRestart: true } });
    expect(vms.running(vmId).pid).toBe(pid);
    expect(vms.get(vmId)?.spec).toMatchObject({ memory: 256, disk: 2 });
  });

  it("goes on after a crash between the disk and the record, without a second effect", async () => {
    const input = { ...before, disk: 2, cpu: 4, before };
    journal.accept({ id: "op-crashed", kind: "vm.update", vmId, generation: 1, input });
    journal.mark("op-crashed", [["disk", "before"]]);
    await update({ disk: 2 });
    await runOperation(journal.find("op-crashed")!, engine);
    expect(journal.find("op-crashed")?.outcome).toMatchObject({ status: "succeeded" });
    expect(await diskSize()).toBe(2 * gib);
    expect(vms.get(vmId)?.spec).toMatchObject({ cpu: 4, disk: 2 });
  });

  it("never shrinks a disk, whatever the order says", async () => {
    await update({ disk: 3 });
    const shrinking = await update({ disk: 1 }, { ...before, disk: 3 });
    expect(shrinking.outcome).toMatchObject({ status: "failed", code: "INVALID_ORDER" });
    await update({ cpu: 2 });
    expect(await diskSize()).toBe(3 * gib);
  });

  it("of a machine that the host does not have fails and says so", async () => {
    await vms.remove(vmId);
    expect((await update({ cpu: 2 })).outcome).toMatchObject({ status: "failed", code: "VM_MISSING" });
  });
});
