/** One machine from creation to deletion, through the public API, with QEMU's processes as the witness. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cloud, type OperationView, unreachableImage, type VmView } from "./cloud.ts";
import { readProcess } from "./processes.ts";

let cloud: Cloud;
beforeAll(async () => {
  cloud = await Cloud.start();
});
afterAll(() => cloud.dispose());

describe("the life of a machine", () => {
  let id = "";

  it("create and start at once, with no wait between, runs one QEMU process", async () => {
    const created = await cloud.post<VmView>("/vms", { name: "test-vm", cpu: 1, memory: 256, disk: 1, os: "tiny" });
    expect(created.status).toBe(201);
    expect(created.body.data).toMatchObject({ name: "test-vm", status: "creating", operation: { kind: "vm.create" } });
    id = created.body.data.id;

    const started = await cloud.post<OperationView>(`/vms/${id}/start`);
    expect(started.status).toBe(202);
    expect(await cloud.operation(started.body.data.id)).toMatchObject({ kind: "vm.start", status: "succeeded" });

    expect(await cloud.vm(id)).toMatchObject({
      status: "running",
      operation: null,
      accelerator: expect.stringMatching(/kvm|tcg/),
    });
    expect(cloud.qemus()).toHaveLength(1);
    expect(cloud.spawned("qemu-img", id)).toBeLessThanOrEqual(1);
  });

  it("start of a running machine is refused with 409 and changes nothing", async () => {
    const { status, body } = await cloud.post(`/vms/${id}/start`);
    expect(status).toBe(409);
    expect(body.error?.code).toBe("VM_ALREADY_RUNNING");
    expect(cloud.qemus()).toHaveLength(1);
  });

  it("pause halts the machine and resume lets it go on, in the same process", async () => {
    const [before] = cloud.qemus();
    expect(await cloud.act(id, "pause")).toMatchObject({ status: "succeeded" });
    expect((await cloud.vm(id)).status).toBe("paused");
    expect(await cloud.act(id, "resume")).toMatchObject({ status: "succeeded" });
    expect((await cloud.vm(id)).status).toBe("running");
    expect(cloud.qemus()).toEqual([before]);
  });

  it("reset keeps the process, restart makes a new one", async () => {
    const [before] = cloud.qemus();
    expect(await cloud.act(id, "reset")).toMatchObject({ status: "succeeded" });
    expect(cloud.qemus()).toEqual([before]);
    expect(await cloud.act(id, "restart", { mode: "force" })).toMatchObject({ status: "succeeded" });
    expect(cloud.qemus()).toHaveLength(1);
    expect(cloud.qemus()[0]?.pid).not.toBe(before?.pid);
    expect((await cloud.vm(id)).status).toBe("running");
  });

  it("a larger disk is the running guest's at once, more vCPUs with the next process", async () => {
    const [before] = cloud.qemus();
    const prefer = { Prefer: "wait=55" };
    const answer = await cloud.request<VmView & { requiresRestart: boolean }>(
      "PATCH",
      `/vms/${id}`,
      { disk: 2, cpu: 2 },
      prefer,
    );
    expect(answer).toMatchObject({ status: 200, body: { data: { cpu: 2, disk: 2, requiresRestart: true } } });
    expect(cloud.qemus()).toEqual([before]);
    expect(await cloud.act(id, "restart", { mode: "force" })).toMatchObject({ status: "succeeded" });
    const command = readProcess(cloud.qemus()[0]?.pid ?? 0)?.command;
    expect(command?.[command.indexOf("-smp") + 1]).toBe("2");
  });

  it("what waits behind another operation is taken back, and the host does nothing of it", async () => {
    const restart = (await cloud.post<OperationView>(`/vms/${id}/restart`, { mode: "graceful", timeout: 30 })).body
      .data;
    const pause = (await cloud.post<OperationView>(`/vms/${id}/pause`)).body.data;
    const cancelled = await cloud.post<OperationView>(`/operations/${pause.id}/cancel`);
    expect(cancelled).toMatchObject({ status: 200, body: { data: { status: "cancelled" } } });
    expect(await cloud.operation(restart.id)).toMatchObject({ status: "succeeded" });
    expect((await cloud.vm(id)).status).toBe("running");
  });

  it("a graceful stop is the guest's own doing", async () => {
    const operation = await cloud.act(id, "stop", { timeout: 60 });
    expect(operation).toMatchObject({ status: "succeeded", result: { stoppedBy: "guest" } });
    expect((await cloud.vm(id)).status).toBe("stopped");
    expect(cloud.qemus()).toEqual([]);
  });

  it("a machine that starts again has the same disk and can be stopped by force", async () => {
    expect(await cloud.act(id, "start")).toMatchObject({ status: "succeeded" });
    expect(await cloud.act(id, "stop", { force: true })).toMatchObject({ result: { stoppedBy: "kill" } });
    expect(cloud.qemus()).toEqual([]);
  });

  it("delete leaves neither machine nor process nor folder", async () => {
    const { status, body } = await cloud.request<OperationView>("DELETE", `/vms/${id}`);
    expect(status).toBe(202);
    expect(await cloud.operation(body.data.id)).toMatchObject({ status: "succeeded" });
    expect((await cloud.get(`/vms/${id}`)).status).toBe(404);
    expect(await cloud.hostFolders()).toEqual([]);
  });
});

describe("failures that a user can meet", () => {
  it("an image that can't be fetched fails with a clear error and keeps nothing half-done", async () => {
    await cloud.post("/images", unreachableImage);
    const body = { name: "far-away", cpu: 1, memory: 512, disk: 10, os: unreachableImage.os };
    const created = await cloud.post<VmView>("/vms", body);
    const operation = await cloud.operation(created.body.data.operation?.id ?? "");
    expect(operation).toMatchObject({ status: "failed", error: { code: "IMAGE_UNAVAILABLE" } });
    expect(operation.error?.message).toContain("images.invalid");

    const vm = await cloud.vm(created.body.data.id);
    expect(vm).toMatchObject({ status: "error", statusReason: expect.stringContaining("images.invalid") });
    expect(await cloud.hostFolders()).toEqual([]);

    const deleted = await cloud.request<OperationView>("DELETE", `/vms/${vm.id}`);
    expect(await cloud.operation(deleted.body.data.id)).toMatchObject({ status: "succeeded" });
  }, 120_000);

  it("a QEMU that dies shows as error at once, and starts again", async () => {
    const vm = await cloud.createTiny("fragile", true);
    process.kill(cloud.qemus()[0]?.pid as number, "SIGKILL");
    await cloud.until("the crash shows", async () => (await cloud.vm(vm.id)).status === "error", 30_000);
    expect((await cloud.vm(vm.id)).statusReason).toContain("QEMU");

    expect(await cloud.act(vm.id, "start")).toMatchObject({ status: "succeeded" });
    expect((await cloud.vm(vm.id)).status).toBe("running");
    const deleted = await cloud.request<OperationView>("DELETE", `/vms/${vm.id}?force=true`);
    expect(await cloud.operation(deleted.body.data.id)).toMatchObject({ status: "succeeded" });
    expect(cloud.qemus()).toEqual([]);
  });
});
