/**
 * What the edge shows and what a host has come apart in every way there is, and come together again.
 *
 * The host is one of its own behind a proxy, beside the cloud's, so that its agent can be stopped, started and lied to.
 */
import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ChaosHost } from "../chaos/chaos-host.ts";
import { Oracle } from "../chaos/oracle.ts";
import { Cloud, type OperationView, type VmView } from "./cloud.ts";

let cloud: Cloud;
let host: ChaosHost;
let oracle: Oracle;
const environment: NodeJS.ProcessEnv = { VOIDVM_BOOT_ID: "boot-1" };
beforeAll(async () => {
  cloud = await Cloud.start();
  host = await ChaosHost.join(cloud, "reconciled", environment);
  oracle = new Oracle(host);
});
afterAll(async () => {
  await host?.leave();
  await cloud?.dispose();
});

async function create(name: string, more: object = {}): Promise<string> {
  const order = { name, cpu: 1, memory: 128, disk: 1, os: "tiny", hostId: host.id, start: true, ...more };
  const { body } = await cloud.post<VmView>("/vms", order);
  expect(await cloud.operation((body.data.operation as OperationView).id)).toMatchObject({ status: "succeeded" });
  return body.data.id;
}

const shows = (id: string, status: string, timeoutMs?: number) =>
  cloud.until(`${id} shows ${status}`, async () => (await cloud.vm(id)).status === status, timeoutMs);
const only = (id: string) => host.qemus(id)[0] ?? { pid: 0, startTicks: 0 };

async function remove(...ids: string[]): Promise<void> {
  for (const id of ids) {
    const { body } = await cloud.request<OperationView>("DELETE", `/vms/${id}?force=true`);
    expect(await cloud.operation(body.data.id)).toMatchObject({ status: "succeeded" });
  }
}

it("a machine killed by hand is an error at once, with its disk kept, and starts again", async () => {
  const id = await create("killed-by-hand");
  process.kill(only(id).pid, "SIGSEGV");
  await shows(id, "error");
  expect((await cloud.vm(id)).statusReason).toContain("QEMU ended by itself");
  expect(await cloud.act(id, "start")).toMatchObject({ status: "succeeded" });
  await oracle.check(id);
  await remove(id);
});

it("an agent that is restarted twenty times, and stopped for a while, has the same processes", async () => {
  const ids = [await create("outlives-a"), await create("outlives-b")];
  await cloud.act(ids[1] as string, "pause");
  const before = ids.map(only);
  for (let round = 0; round < 20; round++) {
    await host.kill();
    host.start();
    // At any moment of its start.
    await sleep(50 * (round % 10));
  }
  await host.online();
  process.kill(host.pid, "SIGSTOP");
  const { body } = await cloud.post<OperationView>(`/vms/${ids[1]}/resume`);
  expect(body.data.status).toBe("queued");
  await sleep(1_000);
  process.kill(host.pid, "SIGCONT");
  expect(await cloud.operation(body.data.id)).toMatchObject({ status: "succeeded" });
  for (const [index, id] of ids.entries()) {
    expect(only(id)).toMatchObject({ pid: before[index]?.pid, startTicks: before[index]?.startTicks });
    expect(host.spawned("qemu-system", id)).toBe(1);
    await oracle.check(id);
  }
  await remove(...ids);
});

it("a QEMU that hangs fails what is asked of it, is never replaced, and can be ended", async () => {
  const id = await create("hung");
  const { pid } = only(id);
  process.kill(pid, "SIGSTOP");
  expect(await cloud.act(id, "pause")).toMatchObject({ status: "failed", error: { code: "QEMU_FAILED" } });
  await host.kill();
  host.start();
  await host.online();
  expect((await cloud.vm(id)).status).toBe("running");
  expect(host.qemus(id).map((one) => one.pid)).toEqual([pid]);
  expect(await cloud.act(id, "stop", { force: true })).toMatchObject({ status: "succeeded" });
  expect(host.qemus(id)).toEqual([]);
  await oracle.check(id);
  await remove(id);
});

it("a machine whose folder is gone says so, and goes when it is deleted", async () => {
  const id = await create("lost-folder", { start: false });
  await host.kill();
  rmSync(host.paths.vm(id).dir, { recursive: true });
  host.start();
  await shows(id, "error");
  expect((await cloud.vm(id)).statusReason).toContain("no longer has this machine");
  await remove(id);
});

it("a machine whose disk alone is gone fails to start, and says what is missing", async () => {
  const id = await create("lost-disk", { start: false });
  const { disk } = host.paths.vm(id);
  renameSync(disk, `${disk}.away`);
  const failed = await cloud.act(id, "start");
  expect(failed).toMatchObject({ status: "failed", error: { code: "QEMU_FAILED" } });
  expect((await cloud.vm(id)).status).toBe("stopped");
  renameSync(`${disk}.away`, disk);
  expect(await cloud.act(id, "start")).toMatchObject({ status: "succeeded" });
  await remove(id);
});

it("after a restart of the host what starts by itself runs, the rest is off, and no operation is repeated", async () => {
  const [auto, manual, halfway] = [
    await create("autostarts", { autostart: true }),
    await create("stays-off"),
    await create("was-reset"),
  ];
  host.crashAt([`vm.reset:reset:after`]);
  const reset = await cloud.post<OperationView>(`/vms/${halfway}/reset`);
  await cloud.until("the agent was killed there", async () => !host.hasCrashes);
  await host.kill();
  for (const { pid } of host.qemus()) process.kill(pid, "SIGKILL");
  rmSync(host.paths.runtime, { recursive: true, force: true });
  environment["VOIDVM_BOOT_ID"] = "boot-2";
  host.start(environment);

  expect(await cloud.operation(reset.body.data.id)).toMatchObject({ status: "unknown" });
  await shows(auto, "running");
  await shows(manual, "stopped");
  await shows(halfway, "stopped");
  for (const id of [auto, manual, halfway]) await oracle.check(id);
  expect(host.spawned("qemu-system", auto)).toBe(2);
  expect(host.spawned("qemu-system", manual)).toBe(1);
  await remove(auto, manual, halfway);
});

it("a journal that is lost makes what was under way unknown, and nothing is sent again", async () => {
  const id = await create("lost-journal", { start: false });
  host.crashAt(["vm.start:journal:after hold"]);
  const { body } = await cloud.post<OperationView>(`/vms/${id}/start`);
  await host.held();
  await host.kill();
  host.clearCrashes();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(host.paths.journalFile + suffix, { force: true });
  host.start();
  expect(await cloud.operation(body.data.id)).toMatchObject({ status: "unknown", error: { code: "OUTCOME_UNKNOWN" } });
  await oracle.check(id);
  expect(host.spawned("qemu-system", id)).toBe(0);
  await remove(id);
});

it("an edge restored to an older state takes in the machines that it has forgotten and repeats nothing", async () => {
  const kept = await create("before-the-backup");
  await cloud.stop();
  const [state, backup] = [join(cloud.home, "edge"), join(cloud.home, "edge-backup")];
  cpSync(state, backup, { recursive: true });
  await cloud.up();
  await host.online();
  const forgotten = await create("after-the-backup");
  expect(await cloud.act(kept, "pause")).toMatchObject({ status: "succeeded" });
  const before = { kept: only(kept), forgotten: only(forgotten) };

  await cloud.stop();
  rmSync(state, { recursive: true });
  renameSync(backup, state);
  await cloud.up();
  await host.online();
  await cloud.until("it is taken in", async () => (await cloud.get(`/vms/${forgotten}`)).status === 200);
  const view = (await cloud.get<VmView & { labels: object }>(`/vms/${forgotten}`)).body.data;
  expect(view).toMatchObject({ name: `adopted-${forgotten}`, labels: { "voidvm/adopted": expect.any(String) } });
  await shows(kept, "paused");
  await oracle.check(kept);
  await oracle.check(forgotten);
  expect(only(kept)).toMatchObject({ pid: before.kept.pid });
  expect(only(forgotten)).toMatchObject({ pid: before.forgotten.pid });
  expect(host.spawned("qemu-system", forgotten)).toBe(1);
  expect(await cloud.act(forgotten, "pause")).toMatchObject({ status: "succeeded" });
  await remove(kept, forgotten);
});

it("a host that is deleted while it is away is told, dials rarely, and its machines go on", async () => {
  const id = await create("outlives-its-host");
  const qemu = only(id);
  host.proxy.cut();
  await host.kill();
  expect((await cloud.request("DELETE", `/hosts/${host.id}?force=true`)).status).toBe(204);
  host.output = "";
  host.start();
  await cloud.until("it is told", async () => host.output.includes("enrol it again with a new token"));
  const dials = host.proxy.dialled.length;
  await sleep(3_000);
  expect(host.proxy.dialled.length).toBe(dials);
  expect(only(id)).toMatchObject({ pid: qemu.pid, startTicks: qemu.startTicks });
});
