/** The table of machines over the lives of several agents, with real QEMU and no guest but the firmware. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VmTable } from "../../agent/vm-table.ts";
import type { VmReport } from "../../protocol/operations.ts";
import { TestHost, testSpec } from "./test-host.ts";

let host: TestHost;
let tables: VmTable[];
beforeEach(() => {
  host = new TestHost();
  tables = [];
});
afterEach(async () => {
  for (const table of tables) table.close();
  await host.dispose();
});

/** A new life of the agent, and the events that it tells. */
async function agent(bootId = "boot-1"): Promise<{ table: VmTable; events: [string, VmReport["power"]][] }> {
  tables.at(-1)?.close();
  const options = {
    paths: host.paths,
    accelerator: "tcg" as const,
    acceleratorReason: "a test",
    bootId,
    log: () => {},
  };
  const table = new VmTable(options);
  tables.push(table);
  const events: [string, VmReport["power"]][] = [];
  table.on("event", (event, vm) => events.push([event, vm.power]));
  await table.load();
  return { table, events };
}

async function machine(table: VmTable, autostart = false): Promise<string> {
  const vmId = await host.addVm();
  await table.add(vmId, 1, { ...testSpec, autostart });
  return vmId;
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

describe("an agent that starts", () => {
  it("finds its machines and adopts the processes that outlived it", async () => {
    const { table } = await agent();
    const [on, off] = [await machine(table), await machine(table)];
    await table.start(on);
    const before = await table.report(on);

    const next = await agent();
    expect(await next.table.report(on)).toEqual(before);
    expect(await next.table.report(off)).toMatchObject({ power: "stopped", pid: null, fault: null });
    expect(next.events).toEqual([]);
    expect(host.qemus()).toHaveLength(1);
  });

  it("tells of a machine whose process is gone that it crashed, once", async () => {
    const { table } = await agent();
    const vmId = await machine(table);
    await table.start(vmId);
    table.close();
    await host.endQemus();

    const next = await agent();
    await soon(() => expect(next.events).toEqual([["vm.crashed", "stopped"]]));
    const third = await agent();
    expect(third.events).toEqual([]);
    expect(await third.table.report(vmId)).toMatchObject({ power: "stopped", fault: "crashed" });
    await third.table.start(vmId);
    expect(await third.table.report(vmId)).toMatchObject({ power: "running", fault: null });
  });

  it("after a restart of the host calls nothing a crash, and starts what is meant to start by itself", async () => {
    const { table } = await agent();
    const [plain, auto] = [await machine(table), await machine(table, true)];
    for (const vmId of [plain, auto]) await table.start(vmId);
    table.close();
    await host.endQemus();

    const next = await agent("boot-2");
    await next.table.startAutostart();
    expect(await next.table.report(plain)).toMatchObject({ power: "stopped", fault: null });
    expect(await next.table.report(auto)).toMatchObject({ power: "running", fault: null });
    await soon(() => expect(next.events.map(([event]) => event)).toEqual(["vm.powered-off", "vm.powered-off"]));
  });
});

describe("a machine", () => {
  it("that is killed by hand is told of as crashed, and one that is ended by us is not told of", async () => {
    const { table, events } = await agent();
    const [killed, ended] = [await machine(table), await machine(table)];
    for (const vmId of [killed, ended]) await table.start(vmId);
    await table.end(ended, (one) => one.quit());
    process.kill(table.machine(killed)?.pid as number, "SIGKILL");
    await soon(() => expect(events).toEqual([["vm.crashed", "stopped"]]));
    expect(await table.report(ended)).toMatchObject({ power: "stopped", fault: null });
  });

  it("whose monitor hangs counts as running, gets no second process, and can be ended", async () => {
    const { table } = await agent();
    const vmId = await machine(table);
    await table.start(vmId);
    process.kill(table.machine(vmId)?.pid as number, "SIGSTOP");

    const next = await agent();
    expect(await next.table.report(vmId)).toMatchObject({ power: "running" });
    await expect(next.table.start(vmId)).rejects.toMatchObject({ code: "QEMU_FAILED" });
    expect(host.qemus()).toHaveLength(1);
    await next.table.end(vmId, (one) => one.quit());
    expect(host.qemus()).toEqual([]);
  }, 30_000);

  it("that is removed leaves neither folder nor sockets", async () => {
    const { table } = await agent();
    const vmId = await machine(table);
    await table.start(vmId);
    await table.end(vmId, (one) => one.quit());
    await table.remove(vmId);
    expect(await table.report(vmId)).toBeNull();
    expect((await agent()).table.ids()).toEqual([]);
  });
});
