/** Changing machines within their quotas, and taking operations back. */
import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { rememberConfig } from "../../api/config.ts";
import { updateConfig } from "../../db/config.ts";
import { FakeAgent, hosted, report, until } from "./agent.ts";
import { addHost, Client, machine, patch } from "./client.ts";

let admin: Client;
let user: Client;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
  user = await Client.as("user", "none");
  await addHost();
});

const setQuota = (who: Client, quotas: object) => patch(admin, `/users/${who.id}`, { quotas });

describe("a machine's own settings", () => {
  it("change at once, and what isn't named stays", async () => {
    const { body } = await user.post("/vms", machine("before", { labels: { a: "1" }, description: "old" }));
    const answer = await patch(user, `/vms/${body.data.id}`, { name: "after", protected: true });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        data: { name: "after", protected: true, description: "old", labels: { a: "1" }, requiresRestart: false },
      },
    });
    const put = await user.request("PUT", "/vms/after/config", {
      labels: { b: "2" },
      description: "",
      protected: false,
    });
    expect(put.body.data).toMatchObject({ name: "after", labels: { b: "2" }, description: "", protected: false });
    expect((await user.get("/vms/before")).status).toBe(404);
    expect((await user.get("/operations?kind=vm.update")).body.data.pagination.total).toBe(0);
  });

  it("never give two machines of one owner the same name, however they race", async () => {
    const ids = [];
    for (const name of ["r1", "r2", "r3"]) ids.push((await user.post("/vms", machine(name))).body.data.id);
    const answers = await Promise.all(ids.map((id) => patch(user, `/vms/${id}`, { name: "wanted" })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
    expect(answers.filter(({ body }) => body.error?.code === "NAME_TAKEN")).toHaveLength(2);
    expect((await patch(user, "/vms/wanted", { name: "wanted" })).status).toBe(200);
  });

  it.each([
    [{ cpu: 0 }, "cpu"],
    [{ memory: 1_048_577 }, "memory"],
    [{ name: "../x" }, "name"],
    [{ hostId: "host-1" }, "hostId"],
    [{ ownerId: "user-1" }, "ownerId"],
    [{ protected: "yes" }, "protected"],
    [{ network: "bridge" }, "network"],
  ])("with %j are a 400 that names the field", async (body, path) => {
    expect(await patch(user, "/vms/after", body)).toMatchObject({
      status: 400,
      body: { error: { fields: [{ path }] } },
    });
  });

  it("of somebody else are not found", async () => {
    const other = await Client.as("user");
    const { id } = (await user.get("/vms/after")).body.data;
    expect((await patch(other, `/vms/${id}`, { name: "mine" })).status).toBe(404);
    expect((await patch(admin, `/vms/${id}`, { description: "by the administrator" })).status).toBe(200);
  });
});

describe("a machine's hardware", () => {
  it("is an order to its host, shown at once, and asks for a restart where the machine runs", async () => {
    const { agent, id } = await hosted(admin, "grows", "running");
    const answer = await patch(admin, `/vms/${id}`, { cpu: 2, disk: 5, description: "larger" });
    expect(answer).toMatchObject({
      status: 202,
      body: { data: { cpu: 2, disk: 5, memory: 512, description: "larger", status: "running", requiresRestart: true } },
    });
    expect(answer.body.data.operation).toMatchObject({ kind: "vm.update", status: "queued" });
    const order = await agent.heard("execute", 1);
    expect(order).toMatchObject({
      kind: "vm.update",
      input: { cpu: 2, memory: 512, disk: 5, before: { cpu: 1, disk: 2 } },
    });
    expect((await patch(admin, `/vms/${id}`, { cpu: 3 })).body.error.code).toBe("VM_UPDATE_PENDING");
    agent.done(order, report(id, "running"));
    await until(async () => (await admin.get(`/vms/${id}`)).body.data.operation === null, "it is done");
    expect((await admin.get(`/vms/${id}`)).body.data).toMatchObject({ cpu: 2, disk: 5, status: "running" });
    // A disk alone needs no restart.
    expect((await patch(admin, `/vms/${id}`, { disk: 6 })).body.data.requiresRestart).toBe(false);
  });

  it("is what it was when its host fails", async () => {
    const { agent, id } = await hosted(admin, "fails");
    await patch(admin, `/vms/${id}`, { cpu: 4, memory: 1024, autostart: true });
    expect((await admin.get(`/vms/${id}`)).body.data).toMatchObject({ cpu: 4, memory: 1024, autostart: true });
    agent.done(await agent.heard("execute", 1), report(id, "stopped"), {
      ...{ status: "failed", code: "NO_SPACE", message: "full", result: null },
    });
    await until(async () => (await admin.get(`/vms/${id}`)).body.data.operation === null, "it has failed");
    expect((await admin.get(`/vms/${id}`)).body.data).toMatchObject({ cpu: 1, memory: 512, autostart: false });
  });

  it("is what it was when the change is taken back before its host knew of it", async () => {
    const { agent, id } = await hosted(admin, "taken-back");
    agent.close();
    await until(async () => (await admin.get(`/hosts/${agent.hostId}`)).body.data.status === "offline", "it is away");
    const { operation } = (await patch(admin, `/vms/${id}`, { cpu: 4, disk: 3 })).body.data;
    expect((await admin.post(`/operations/${operation.id}/cancel`)).body.data.status).toBe("cancelled");
    const after = (await admin.get(`/vms/${id}`)).body.data;
    expect(after).toMatchObject({ cpu: 1, disk: 2, status: "stopped", operation: null });
    // Nothing is pending any more, so the next change may come.
    expect((await patch(admin, `/vms/${id}`, { cpu: 2 })).status).toBe(202);
  });

  it("never shrinks a disk, and never goes beyond what the configuration allows", async () => {
    const { body } = await user.post("/vms", machine("disk", { disk: 3 }));
    const path = `/vms/${body.data.id}`;
    expect((await patch(user, path, { disk: 2 })).body.error.fields).toMatchObject([{ path: "disk" }]);
    rememberConfig(await updateConfig(env.DB, { storage: { maxDisk: 4 } }));
    expect((await patch(user, path, { disk: 5 })).body.error.fields).toMatchObject([{ path: "disk" }]);
    expect((await user.post("/vms", machine("huge", { disk: 5 }))).body.error.fields).toMatchObject([{ path: "disk" }]);
    rememberConfig(await updateConfig(env.DB, { storage: { maxDisk: 16_384 } }));
  });

  it("stays within the quota and the host's room, however many changes race", async () => {
    const limited = await Client.as("user", "none");
    expect((await setQuota(limited, { cpu: 6 })).status).toBe(200);
    const ids = [];
    for (const name of ["a", "b", "c"]) ids.push((await limited.post("/vms", machine(name))).body.data.id);
    const answers = await Promise.all(ids.map((id) => patch(limited, `/vms/${id}`, { cpu: 3 })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 403, 403]);
    expect(answers.filter(({ body }) => body.error?.code === "QUOTA_EXCEEDED")).toHaveLength(2);

    const hostId = await addHost({ capacityMemory: 1000 });
    const { body } = await admin.post("/vms", machine("room", { hostId, memory: 400 }));
    expect((await patch(admin, `/vms/${body.data.id}`, { memory: 1001 })).body.error.code).toBe(
      "INSUFFICIENT_CAPACITY",
    );
    expect((await patch(admin, `/vms/${body.data.id}`, { memory: 1000 })).status).toBe(202);
  });
});

describe("quotas", () => {
  it.each([
    ["vms", { vms: 3 }, 3],
    ["cpu", { cpu: 7 }, 7],
    ["memory", { memory: 1500 }, 5],
    ["disk", { disk: 4 }, 4],
  ])("of %s hold under 50 creations at once", async (_what, quotas, made) => {
    const owner = await Client.as("user", "none");
    await setQuota(owner, quotas);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => owner.post("/vms", machine(`q-${n}`))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(made);
    expect(answers.filter(({ body }) => body.error?.code === "QUOTA_EXCEEDED")).toHaveLength(50 - made);
  });

  it("of the free plan are the configuration's, and follow it at once", async () => {
    const free = await Client.as("user", "free");
    const put = (vmsPerFreeUser: number) => admin.request("PUT", "/config", { limits: { vmsPerFreeUser } });
    await put(1);
    expect((await free.post("/vms", machine("one"))).status).toBe(201);
    expect((await free.post("/vms", machine("two"))).body.error.code).toBe("QUOTA_EXCEEDED");
    await put(5);
    expect((await free.post("/vms", machine("two"))).status).toBe(201);
  });
});

describe("an ETag", () => {
  it("lets a change through that has seen the last one, and no other", async () => {
    const { id } = (await user.post("/vms", machine("tagged"))).body.data;
    const tag = (await user.get(`/vms/${id}`)).headers.get("ETag") ?? "";
    expect(tag).toMatch(/^"[0-9a-f]{32}"$/);
    const answers = await Promise.all(
      ["x", "y", "z"].map((description) => patch(user, `/vms/${id}`, { description }, { "If-Match": tag })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
    expect(answers.find(({ status }) => status === 412)?.body.error.code).toBe("PRECONDITION_FAILED");
    const old = { "If-Match": tag };
    expect((await user.post(`/vms/${id}/start`, {}, old)).status).toBe(412);
    expect((await user.request("DELETE", `/vms/${id}`, undefined, old)).status).toBe(412);
    const fresh = (await user.get(`/vms/${id}`)).headers.get("ETag") ?? "";
    expect((await user.post(`/vms/${id}/start`, {}, { "If-Match": `"other", ${fresh}` })).status).toBe(202);
    expect((await patch(user, `/vms/${id}`, { description: "any" }, { "If-Match": "*" })).status).toBe(200);
  });
});

describe("a cancellation", () => {
  const cancel = (id: string) => admin.post(`/operations/${id}/cancel`);

  it("of what its host has not been sent ends it, and it is never sent", async () => {
    const agent = await FakeAgent.enrolled(admin, "away");
    await agent.connect();
    agent.close();
    await until(async () => (await admin.get(`/hosts/${agent.hostId}`)).body.data.status === "offline", "it is away");
    await env.DB.prepare("UPDATE hosts SET status = 'online' WHERE id = ?").bind(agent.hostId).run();
    const { body } = await admin.post("/vms", machine("unsent", { hostId: agent.hostId }));
    const { id } = body.data.operation;
    expect(await cancel(id)).toMatchObject({
      status: 200,
      body: { data: { id, status: "cancelled", error: { code: "CANCELLED" } } },
    });
    expect((await cancel(id)).body.error.code).toBe("OPERATION_ENDED");
    expect((await admin.get(`/vms/${body.data.id}`)).body.data).toMatchObject({ status: "error", operation: null });
    await agent.connect();
    await admin.post(`/vms/${body.data.id}/start`);
    expect((await agent.heard("execute")).operationId).not.toBe(id);
  });

  it("of what waits on the host is the host's to answer", async () => {
    const { agent, id } = await hosted(admin, "waits");
    const start = (await admin.post(`/vms/${id}/start`)).body.data.id;
    const order = await agent.heard("execute", 1);
    agent.send({ type: "accept", operationId: start });
    const asked = cancel(start);
    expect(await agent.heard("cancel")).toMatchObject({ operationId: start });
    agent.send({ type: "cancelled", operationId: start, effect: "too-late" });
    expect(await asked).toMatchObject({ status: 409, body: { error: { code: "OPERATION_RUNNING" } } });

    const again = cancel(start);
    await agent.heard("cancel", 1);
    agent.done(order, report(id, "stopped"), {
      status: "cancelled",
      code: "CANCELLED",
      message: "in time",
      result: null,
    });
    agent.send({ type: "cancelled", operationId: start, effect: "not-started" });
    expect(await again).toMatchObject({ status: 200, body: { data: { status: "cancelled" } } });
    expect((await admin.get(`/vms/${id}`)).body.data).toMatchObject({ status: "stopped", operation: null });
    agent.close();
  });

  it("of somebody else's operation is not found", async () => {
    const { body } = await user.post("/vms", machine("theirs"));
    const other = await Client.as("user");
    expect((await other.post(`/operations/${body.data.operation.id}/cancel`)).status).toBe(404);
    expect((await user.get(`/operations/${body.data.operation.id}`)).body.data.status).toBe("queued");
  });
});

describe("operations", () => {
  it("are listed after one that was seen, oldest first", async () => {
    const owner = await Client.as("user", "none");
    const ids = [];
    for (const name of ["1", "2", "3"]) ids.push((await owner.post("/vms", machine(name))).body.data.operation.id);
    const after = async (id: string) =>
      (await owner.get(`/operations?after=${id}`)).body.data.operations.map(
        (operation: { id: string }) => operation.id,
      );
    expect(await after(ids[0])).toEqual(ids.slice(1));
    expect(await after(ids[2])).toEqual([]);
    const foreign = (await user.get("/operations?limit=1")).body.data.operations[0].id;
    expect((await owner.get(`/operations?after=${foreign}`)).body.error.fields).toMatchObject([{ path: "after" }]);
  });
});
