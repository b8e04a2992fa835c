/**
 * Processes die at the worst moment, and every operation still ends once with one effect.
 *
 * The pattern for later ones: kill, let the survivors find each other, then compare what the API says with
 * QEMU's processes and with the number of programs that were really run.
 */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cloud, type OperationView, type VmView } from "./cloud.ts";

let cloud: Cloud;
beforeAll(async () => {
  cloud = await Cloud.start();
});
afterAll(() => cloud.dispose());

it("an agent killed between a start's effect and its end starts no second QEMU", async () => {
  const vm = await cloud.createTiny("killed-agent");
  const agent = cloud.process("agent");
  writeFileSync(cloud.crashFile, "vm.start:spawn:after");

  const started = await cloud.post<OperationView>(`/vms/${vm.id}/start`);
  expect(await cloud.operation(started.body.data.id)).toMatchObject({ status: "succeeded" });

  expect(cloud.process("agent").pid).not.toBe(agent.pid);
  expect(cloud.spawned("qemu-system", vm.id)).toBe(1);
  expect(cloud.qemus()).toHaveLength(1);
  expect((await cloud.vm(vm.id)).status).toBe("running");
  expect(await operationsOf(vm.id)).toEqual(["vm.create succeeded", "vm.start succeeded"]);
  await remove(vm);
});

it("an agent killed between a creation's effect and its end makes no second disk", async () => {
  writeFileSync(cloud.crashFile, "vm.create:disk:after");
  const vm = await cloud.createTiny("killed-in-creation");
  expect(vm.status).toBe("stopped");
  expect(cloud.spawned("qemu-img", vm.id)).toBe(1);
  expect(await operationsOf(vm.id)).toEqual(["vm.create succeeded"]);
  await remove(vm);
});

it("a workerd killed while operations run comes back, and they end once", async () => {
  const vm = await cloud.createTiny("killed-edge");
  const workerd = cloud.process("workerd");
  const started = await cloud.post<OperationView>(`/vms/${vm.id}/start`);
  const paused = await cloud.post<OperationView>(`/vms/${vm.id}/pause`);
  cloud.kill("workerd");

  expect(await cloud.operation(started.body.data.id)).toMatchObject({ status: "succeeded" });
  expect(await cloud.operation(paused.body.data.id)).toMatchObject({ status: "succeeded" });
  expect(cloud.process("workerd").pid).not.toBe(workerd.pid);
  expect(cloud.spawned("qemu-system", vm.id)).toBe(1);
  expect((await cloud.vm(vm.id)).status).toBe("paused");
  expect(await operationsOf(vm.id)).toEqual(["vm.create succeeded", "vm.start succeeded", "vm.pause succeeded"]);
  await remove(vm);
});

it("everything killed and started again finds the same machines in the same states", async () => {
  const [running, paused, stopped] = await Promise.all([
    cloud.createTiny("stays-running", true),
    cloud.createTiny("stays-paused", true),
    cloud.createTiny("stays-stopped"),
  ]);
  await cloud.act(paused.id, "pause");
  const qemus = cloud.qemus();
  expect(qemus).toHaveLength(2);

  await cloud.killAll();
  expect(cloud.qemus()).toEqual(qemus);
  await cloud.up();

  expect(cloud.qemus()).toEqual(qemus);
  expect((await cloud.vm(running.id)).status).toBe("running");
  expect((await cloud.vm(paused.id)).status).toBe("paused");
  expect((await cloud.vm(stopped.id)).status).toBe("stopped");
  for (const vm of [running, paused, stopped]) await remove(vm);
});

it("everything killed with an operation under way ends it after the next start", async () => {
  const vm = await cloud.createTiny("killed-all");
  const started = await cloud.post<OperationView>(`/vms/${vm.id}/start`);
  await cloud.killAll();
  await cloud.up();

  expect(await cloud.operation(started.body.data.id)).toMatchObject({ status: "succeeded" });
  // None is counted where the agent died between the start and its count.
  expect(cloud.spawned("qemu-system", vm.id)).toBeLessThanOrEqual(1);
  expect(cloud.qemus()).toHaveLength(1);
  await remove(vm);
});

it("Ctrl-C ends everything but the machines", async () => {
  const vm = await cloud.createTiny("outlives", true);
  const qemus = cloud.qemus();
  const { edge, workerd, agent } = {
    edge: cloud.process("edge"),
    workerd: cloud.process("workerd"),
    agent: cloud.process("agent"),
  };
  expect(await cloud.stop()).toBe(0);
  for (const { pid, startTicks } of [edge, workerd, agent]) expect(cloud.runs(pid, startTicks)).toBe(false);
  expect(cloud.qemus()).toEqual(qemus);

  await cloud.up();
  expect((await cloud.vm(vm.id)).status).toBe("running");
  expect(cloud.qemus()).toEqual(qemus);
  await remove(vm);
});

/** Kind and status of a machine's operations, in their order. */
async function operationsOf(vmId: string): Promise<string[]> {
  const { body } = await cloud.get<{ operations: OperationView[] }>(`/operations?vmId=${vmId}&sort=createdAt`);
  return body.data.operations.map(({ kind, status }) => `${kind} ${status}`);
}

async function remove(vm: VmView): Promise<void> {
  const { body } = await cloud.request<OperationView>("DELETE", `/vms/${vm.id}?force=true`);
  expect(await cloud.operation(body.data.id)).toMatchObject({ status: "succeeded" });
}
