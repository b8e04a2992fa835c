/** The edge's side of the link: sessions and operations, with an agent at the far end of a real socket. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { HostLink } from "../../api/objects/host-link.ts";
import { sweep } from "../../api/sweep.ts";
import type { Env } from "../../api/env.ts";
import { FakeAgent, report, succeeded, until } from "./agent.ts";
import { machine } from "./client.ts";
import { admin, agent, count, host, link, operation, vm } from "./one-host.ts";

const bindings = env as unknown as Env;
const isEvery = async (id: string, status: string) => (await operation(id)).status === status;

/** A machine on this test's host; its creation is delivered if the agent is connected. */
async function create(name: string, more: object = {}) {
  const { status, body } = await admin.post("/vms", machine(name, { hostId: agent.hostId, ...more }));
  expect(status).toBe(201);
  return { id: body.data.id as string, operationId: body.data.operation.id as string };
}

describe("a session", () => {
  it("brings the host online with its facts and room, and its end takes it offline", async () => {
    await agent.connect();
    expect(await host()).toMatchObject({
      status: "online",
      facts: { cpus: 4, qemuVersion: "7.2.22" },
      agentVersion: "0.1.0",
    });
    expect((await admin.get("/system/info")).body.data.hosts.capacity).toMatchObject({ memory: 8192 });
    agent.close();
    await until(async () => (await host()).status === "offline", "the host is offline");
    expect((await host()).lastSeenAt).not.toBeNull();
  });

  it("has a higher epoch each time, beyond what the agent has ever seen", async () => {
    await agent.connect();
    const first = agent.epoch;
    await agent.connect();
    expect(agent.epoch).toBe(first + 1);
    await agent.open(1000);
    await agent.heard("welcome");
    expect(agent.epoch).toBe(1001);
  });

  it("replaces the one before it, whose frames do nothing any more", async () => {
    await agent.connect();
    const { id } = await create("fenced");
    const order = await agent.heard("execute");
    const stale = agent.epoch;
    const twin = agent.twin();
    await twin.connect([], [{ operationId: order.operationId, vmId: id, state: "accepted" }]);
    await until(() => agent.closedWith !== null, "the first is closed");
    expect(agent.closedWith).toBe(4409);
    twin.epoch = stale;
    twin.done(order, report(id, "stopped"));
    twin.epoch = stale + 1;
    twin.send({ type: "event", sequence: 1, event: "vm.recovered", vm: report(id, "running"), message: "" });
    await twin.heard("event-ack");
    expect((await operation(order.operationId)).finishedAt).toBeNull();
    expect((await host()).status).toBe("online");
  });

  it.each([
    ["what is no JSON", "{"],
    ["an unknown message", '{"type":"please"}'],
    ["a frame of 300 KiB", JSON.stringify({ type: "hello", padding: "x".repeat(300_000) })],
  ])("that sends %s is closed with 4400", async (_what, text) => {
    await agent.connect();
    agent.sendRaw(text);
    await until(() => agent.closedWith !== null, "closed");
    expect(agent.closedWith).toBe(4400);
  });
});

describe("an operation", () => {
  it("is delivered at once, shown while it runs, and ends with the machine as its host says", async () => {
    await agent.connect();
    const { id, operationId } = await create("normal");
    const order = await agent.heard("execute");
    expect(order).toMatchObject({ operationId, kind: "vm.create", vmId: id, generation: 1, attempt: 1 });
    agent.send({ type: "accept", operationId });
    await until(() => isEvery(operationId, "running"), "running");
    agent.send({ type: "progress", operationId, percent: 40, step: "disk", message: "half way" });
    await until(async () => (await operation(operationId)).progress.percent === 40, "progress");
    agent.done(order, report(id, "stopped"));
    await until(() => isEvery(operationId, "succeeded"), "succeeded");
    expect(await vm(id)).toMatchObject({ status: "stopped", operation: null });
    expect(await agent.heard("done-ack")).toMatchObject({ operationId });
  });

  it("is waited for without polling, with Prefer and with a long poll", async () => {
    await agent.connect();
    agent.onExecute = (order) =>
      agent.done(order, report(order.vmId, order.kind === "vm.create" ? "stopped" : "running"));
    const created = await admin.post("/vms", machine("waited", { hostId: agent.hostId }), { Prefer: "wait=10" });
    expect(created.headers.get("Preference-Applied")).toBe("wait=10");
    expect(created.body.data).toMatchObject({ status: "stopped", operation: { status: "succeeded" } });

    const { id } = created.body.data;
    const started = await admin.post(`/vms/${id}/start`, undefined, { Prefer: "respond-async, wait=10" });
    expect(started).toMatchObject({ status: 200, body: { data: { status: "succeeded", vm: { status: "running" } } } });

    agent.onExecute = (order) => void setTimeout(() => agent.done(order, report(id, "paused")), 100);
    const paused = await admin.post(`/vms/${id}/pause`);
    expect(paused.status).toBe(202);
    const read = await admin.get(`/operations/${paused.body.data.id}?wait=10`);
    expect(read.body.data).toMatchObject({ status: "succeeded" });
  });

  it("that does not end in the time asked for is answered as it stands", async () => {
    await agent.connect();
    const { status, body } = await admin.post("/vms", machine("slow", { hostId: agent.hostId }), { Prefer: "wait=1" });
    expect(status).toBe(201);
    expect(body.data.operation.status).toBe("queued");
  });

  it("waits for a host that is away, in the order in which it was accepted", async () => {
    await agent.connect();
    const { id } = await create("patient");
    agent.done(await agent.heard("execute"), report(id, "stopped"));
    await agent.heard("done-ack");
    agent.close();
    await until(async () => (await host()).status === "offline", "offline");
    // More than an acceptance carries to the host's object.
    const actions = Array.from({ length: 12 }, (_, n) => ["start", "pause", "resume", "stop"][n % 4]);
    for (const action of actions) expect((await admin.post(`/vms/${id}/${action}`)).status).toBe(202);

    await agent.connect([report(id, "stopped")]);
    await agent.heard("execute", actions.length - 1);
    const kinds = agent.frames.filter((frame) => frame.type === "execute").map(({ kind }) => kind);
    expect(kinds).toEqual(actions.map((action) => `vm.${action}`));
  });

  it("reaches the host once and in order, however late and mixed up the queues arrive that were read for it", async () => {
    await agent.connect();
    const [first, second] = [await create("early"), await create("late")];
    const orders = [await agent.heard("execute"), await agent.heard("execute", 1)];
    const queued = orders.map(({ operationId, kind, vmId, generation, input }, seq) => {
      return { seq, id: operationId, kind, vmId, generation, input, createdAt: new Date().toISOString() };
    });
    expect(queued.map(({ id }) => id)).toEqual([first.operationId, second.operationId]);
    agent.done(orders[0] as (typeof orders)[0], report(first.id, "stopped"));
    await agent.heard("done-ack");
    await link().wake(agent.hostId, queued);
    await link().wake(agent.hostId, queued.slice(0, 1));
    agent.done(orders[1] as (typeof orders)[0], report(second.id, "stopped"));
    await agent.heard("done-ack", 1);
    expect(agent.frames.filter(({ type }) => type === "execute")).toHaveLength(2);
  });

  it("that never arrived is sent again in the next session, with a higher attempt", async () => {
    await agent.connect();
    const { operationId } = await create("lost-order");
    await agent.heard("execute");
    await agent.connect();
    expect(await agent.heard("execute")).toMatchObject({ operationId, attempt: 2 });
  });

  it("that the journal has is not sent again, and its end is taken once", async () => {
    await agent.connect();
    const { id, operationId } = await create("lost-answer");
    const order = await agent.heard("execute");
    await agent.connect([report(id, "stopped")], [{ operationId, vmId: id, state: "done" }]);
    expect((await agent.heard("sync")).wanted).toEqual([operationId]);
    agent.done(order, report(id, "stopped"));
    agent.done(order, report(id, "running"), { ...succeeded, status: "failed", code: "HOST_ERROR" });
    await agent.heard("done-ack", 1);
    await until(() => isEvery(operationId, "succeeded"), "succeeded");
    expect((await vm(id)).status).toBe("stopped");
    expect(agent.frames.filter(({ type }) => type === "execute")).toEqual([]);
  });

  it("that was sent to a journal which is gone ends as unknown and is not sent again", async () => {
    await agent.connect();
    const { operationId } = await create("lost-journal");
    await agent.heard("execute");
    agent.journalId = "journal-2";
    await agent.connect();
    await until(() => isEvery(operationId, "unknown"), "unknown");
    expect((await operation(operationId)).error.code).toBe("OUTCOME_UNKNOWN");
    expect(agent.frames.filter(({ type }) => type === "execute")).toEqual([]);
  });

  it("that the host rejects has failed with the host's reason", async () => {
    await agent.connect();
    const { id, operationId } = await create("rejected");
    await agent.heard("execute");
    agent.send({ type: "reject", operationId, code: "INVALID_ORDER", message: "spec.cpu: too many" });
    await until(() => isEvery(operationId, "failed"), "failed");
    expect((await operation(operationId)).error).toMatchObject({
      code: "INVALID_ORDER",
      message: expect.stringContaining("too many"),
    });
    expect(await vm(id)).toMatchObject({ status: "error", statusReason: "spec.cpu: too many" });
  });

  it("ends what was asked for, whatever the agent says that it did, and in words that no terminal obeys", async () => {
    await agent.connect();
    agent.onExecute = (order) => agent.done(order, report(order.vmId, "stopped"));
    const bystander = await create("bystander");
    await until(() => isEvery(bystander.operationId, "succeeded"), "made");
    agent.onExecute = (order) => {
      const outcome = { ...succeeded, status: "failed" as const, code: "HOST_ERROR", message: "\u001b[2Jgone\u0007" };
      agent.done({ ...order, kind: "vm.delete", vmId: bystander.id }, report(bystander.id, "running"), outcome);
    };
    const { operationId } = await create("liar");
    await until(() => isEvery(operationId, "failed"), "failed");
    expect((await operation(operationId)).error.message).toMatch(/: {1,2}\[2Jgone $/);
    expect((await vm(bystander.id)).status).toBe("stopped");
  });

  it("that failed leaves what its host says, and the ones behind it run", async () => {
    await agent.connect();
    agent.onExecute = (order) => {
      if (order.kind === "vm.create") agent.done(order, report(order.vmId, "stopped"));
      else
        agent.done(order, report(order.vmId, "stopped"), {
          ...succeeded,
          status: "failed",
          code: "QEMU_FAILED",
          message: "no",
        });
    };
    const { id } = await create("unlucky");
    const { body } = await admin.post(`/vms/${id}/start`, undefined, { Prefer: "wait=5" });
    expect(body.data).toMatchObject({ status: "failed", error: { code: "QEMU_FAILED" }, vm: { status: "stopped" } });
  });

  it("forgets its first password when it ends, in D1 and in the object", async () => {
    await agent.connect();
    const { id, operationId } = await create("secretive", { cloudInit: { user: "me", password: "opensesame" } });
    const order = await agent.heard("execute");
    expect(JSON.stringify(order.input)).toContain("opensesame");
    agent.done(order, report(id, "stopped"));
    await until(() => isEvery(operationId, "succeeded"), "succeeded");
    const { results } = await env.DB.prepare("SELECT * FROM operations WHERE id = ?").bind(operationId).all();
    expect(JSON.stringify(results)).not.toContain("opensesame");
    await runInDurableObject(link(), (_: HostLink, state) => {
      expect(JSON.stringify([...state.storage.sql.exec("SELECT * FROM operation")])).not.toContain("opensesame");
    });
  });

  it("of a deletion takes the machine away", async () => {
    await agent.connect();
    agent.onExecute = (order) => agent.done(order, order.kind === "vm.delete" ? null : report(order.vmId, "stopped"));
    const { id } = await create("short-lived");
    await until(async () => (await vm(id)).status === "stopped", "made");
    const { body } = await admin.request("DELETE", `/vms/${id}`, undefined, { Prefer: "wait=5" });
    expect(body.data).toMatchObject({ status: "succeeded", vm: null });
    expect((await admin.get(`/vms/${id}`)).status).toBe(404);
  });
});

describe("the truth about machines", () => {
  it("is what the host reports when it connects", async () => {
    await agent.connect();
    agent.onExecute = (order) => agent.done(order, report(order.vmId, "running"));
    const [a, b] = [await create("truth-a", { start: true }), await create("truth-b", { start: true })];
    await until(async () => (await vm(b.id)).status === "running", "made");
    await agent.connect([report(a.id, "paused")]);
    await until(async () => (await vm(a.id)).status === "paused", "paused");
    await until(async () => (await vm(b.id)).status === "error", "missing");
    expect((await vm(b.id)).statusReason).toContain("no longer has this machine");
  });

  it("follows events, each of which counts once", async () => {
    await agent.connect();
    agent.onExecute = (order) => agent.done(order, report(order.vmId, "running"));
    const { id } = await create("eventful", { start: true });
    await until(async () => (await vm(id)).status === "running", "made");
    agent.send({
      type: "event",
      sequence: 1,
      event: "vm.crashed",
      vm: report(id, "stopped", { fault: "crashed" }),
      message: "",
    });
    await agent.heard("event-ack");
    await until(async () => (await vm(id)).status === "error", "crashed");
    agent.send({ type: "event", sequence: 1, event: "vm.powered-off", vm: report(id, "running"), message: "" });
    await agent.heard("event-ack", 1);
    expect((await vm(id)).status).toBe("error");
  });

  it("is not overwritten by another host, nor by an older generation", async () => {
    await agent.connect();
    agent.onExecute = (order) => agent.done(order, report(order.vmId, "stopped"));
    const { id } = await create("mine-alone");
    await until(async () => (await vm(id)).status === "stopped", "made");
    const other = await FakeAgent.enrolled(admin, `thief-${count}`);
    await other.connect([report(id, "running")]);
    expect((await vm(id)).status).toBe("stopped");
    await env.DB.prepare("UPDATE vms SET generation = 2 WHERE id = ?").bind(id).run();
    await agent.connect([report(id, "running")]);
    expect((await vm(id)).status).toBe("stopped");
  });
});

describe("an object that was evicted", () => {
  it("goes on with its session and its operations", async () => {
    await agent.connect();
    const { id, operationId } = await create("evicted");
    const order = await agent.heard("execute");
    await evictDurableObject(link());
    agent.send({ type: "accept", operationId });
    await until(() => isEvery(operationId, "running"), "running");
    await evictDurableObject(link());
    agent.done(order, report(id, "stopped"));
    await until(() => isEvery(operationId, "succeeded"), "succeeded");
    expect((await admin.post(`/vms/${id}/start`)).status).toBe(202);
    expect(await agent.heard("execute", 1)).toMatchObject({ kind: "vm.start" });
  });
});

describe("what was forgotten", () => {
  it("is delivered by the sweep: an operation whose host was never woken", async () => {
    await agent.connect();
    const { id, operationId } = await create("original");
    await agent.heard("execute");
    // As if the call to the object had been lost: a row that nobody told it of.
    await env.DB.prepare(
      `INSERT INTO operations (id, kind, status, vm_id, generation, host_id, user_id, request_id, input, target, created_at)
       SELECT 'op-' || substr('00000000000000000000000001', 1, 26), 'vm.start', 'queued', vm_id, 1, host_id, user_id, 'r', '{}', 'running', created_at
       FROM operations WHERE id = ?`,
    )
      .bind(operationId)
      .run();
    await sweep(bindings, Date.now() + 60_000);
    expect(await agent.heard("execute", 1)).toMatchObject({ kind: "vm.start", vmId: id });
  });

  it("expires: an order that its host did not take in time, and nothing else", async () => {
    await agent.connect();
    const { id } = await create("expiring");
    agent.done(await agent.heard("execute"), report(id, "stopped"));
    await agent.heard("done-ack");
    agent.close();
    await until(async () => (await host()).status === "offline", "offline");
    const { body } = await admin.post(`/vms/${id}/start`);
    await link().wake(agent.hostId);
    await runInDurableObject(link(), async (_: HostLink, state) => {
      state.storage.sql.exec("UPDATE operation SET deadline_at = 1 WHERE state = 'waiting'");
    });
    await runDurableObjectAlarm(link());
    expect(await operation(body.data.id)).toMatchObject({ status: "failed", error: { code: "OPERATION_EXPIRED" } });
    expect((await vm(id)).status).toBe("stopped");
    await agent.connect([report(id, "stopped")]);
    expect(agent.frames.filter(({ type }) => type === "execute")).toEqual([]);
  });

  it("reaches D1 later: an end that it could not take at first", async () => {
    await agent.connect();
    const { id, operationId } = await create("d1-away");
    const order = await agent.heard("execute");
    await env.DB.prepare("ALTER TABLE operations RENAME TO hidden").run();
    agent.done(order, report(id, "stopped"));
    await agent.heard("done-ack");
    await env.DB.prepare("ALTER TABLE hidden RENAME TO operations").run();
    expect(await operation(operationId)).toMatchObject({ status: "queued" });
    await runDurableObjectAlarm(link());
    expect(await operation(operationId)).toMatchObject({ status: "succeeded" });
  });
});
