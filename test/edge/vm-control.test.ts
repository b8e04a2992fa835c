/** Machines that are controlled through a socket. */
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { UserHub } from "../../api/objects/user-hub.ts";
import { hosted, report, until } from "./agent.ts";
import { Client } from "./client.ts";
import { admin, evict, hub } from "./one-hub.ts";
import { Socket } from "./socket.ts";

describe("vm-control", () => {
  const control = (socket: Socket, vmId: string, action: string) => socket.ask("vm-control", { vmId, action });

  it("does all six actions, and answers each with its operation when that has ended", async () => {
    const { agent, id } = await hosted(admin, "controlled");
    const powers = {
      start: "running",
      pause: "paused",
      resume: "running",
      reset: "running",
      restart: "running",
      stop: "stopped",
    } as const;
    agent.onExecute = (order) => agent.done(order, report(id, powers[order.kind.slice(3) as keyof typeof powers]));
    const socket = await Socket.of(admin);
    for (const action of Object.keys(powers)) {
      const { type, data } = await control(socket, "controlled", action);
      expect([type, data]).toMatchObject(["vm-control-response", { vmId: "controlled", action, status: "success" }]);
      expect(data.error).toBeNull();
      const operation = (await admin.get(`/operations/${data.operationId}`)).body.data;
      expect(operation).toMatchObject({ kind: `vm.${action}`, status: "succeeded", userId: admin.id });
    }
    const { entries } = (await admin.get(`/audit?userId=${admin.id}&limit=100`)).body.data;
    const audited = entries.filter(({ path }: { path: string }) => path.startsWith("/api/v1/vms/controlled/"));
    expect(audited.map(({ route, result }: { route: string; result: string }) => `${route} ${result}`)).toEqual(
      ["stop", "restart", "reset", "resume", "pause", "start"].map((action) => `/vms/:id/${action} succeeded`),
    );
  });

  it("is refused with the code that the API has for it", async () => {
    const { id } = await hosted(admin, "refusing");
    const socket = await Socket.of(admin);
    expect(await control(socket, id, "pause")).toMatchObject({
      data: {
        status: "error",
        operationId: null,
        error: { code: "VM_NOT_RUNNING", message: "The virtual machine is not running" },
      },
    });
    expect(await control(socket, "no-such", "start")).toMatchObject({ data: { error: { code: "VM_NOT_FOUND" } } });
    expect(await control(socket, id, "delete")).toMatchObject({
      type: "error",
      data: { code: "INVALID_REQUEST_PARAMS" },
    });
    const { token } = (await admin.post("/auth/tokens", { name: "ro", scopes: ["vm:read"] })).body.data;
    const reading = await Socket.of(new Client(token, admin.id));
    expect(await control(reading, id, "start")).toMatchObject({ data: { error: { code: "FORBIDDEN" } } });
  });

  it("tells a failure of the host as the operation's own", async () => {
    const { agent, id } = await hosted(admin, "failing");
    agent.onExecute = (order) =>
      agent.done(order, report(id, "stopped"), { status: "failed", code: "QEMU_FAILED", message: "no", result: null });
    const { data } = await control(await Socket.of(admin), id, "start");
    expect(data).toMatchObject({
      status: "error",
      operationId: expect.stringMatching(/^op-/),
      error: { code: "QEMU_FAILED" },
    });
  });

  it("keeps nothing else waiting, and goes on after an eviction", async () => {
    const { agent, id } = await hosted(admin, "slow");
    const { agent: other, id: fast } = await hosted(admin, "fast");
    const socket = await Socket.of(admin);
    socket.send({ type: "vm-control", data: { vmId: id, action: "start" }, id: "slow" });
    socket.send({ type: "vm-control", data: { vmId: fast, action: "start" }, id: "fast" });
    expect(await socket.ask("ping")).toMatchObject({ type: "pong" });
    const answered = (name: string) => socket.messages.some((message) => message.id === name);
    const order = await agent.heard("execute", 1);
    other.done(await other.heard("execute", 1), report(fast, "running"));
    await until(() => answered("fast"), "the fast one is answered");
    expect(answered("slow")).toBe(false);
    await evict(admin);
    agent.done(order, report(id, "running"));
    await until(() => answered("slow"), "the slow one is answered");
    expect(socket.all("vm-control-response")).toHaveLength(2);
  });

  it("of which the answer was lost is answered by the hub's own look", async () => {
    const { agent, id } = await hosted(admin, "lost-answer");
    const socket = await Socket.of(admin);
    socket.send({ type: "vm-control", data: { vmId: id, action: "start" }, id: "lost" });
    await agent.heard("execute", 1);
    const { results } = await env.DB.prepare("SELECT id FROM operations WHERE vm_id = ? AND kind = 'vm.start'")
      .bind(id)
      .all();
    // As if the object had been away for the event, and a request had never reached the database.
    await runInDurableObject(hub(admin), (_: UserHub, { storage }) => {
      const [entry] = storage.kv.list<object>({ prefix: "control:" });
      storage.kv.put("control:op-none", { ...entry?.[1], operationId: "op-none", messageId: "never", askedAt: 0 });
    });
    await env.DB.prepare("UPDATE operations SET finished_at = created_at, status = 'succeeded' WHERE id = ?")
      .bind(results[0]?.["id"])
      .run();
    await runDurableObjectAlarm(hub(admin));
    await until(() => socket.all("vm-control-response").length === 2, "both are answered");
    expect(
      socket
        .all("vm-control-response")
        .map(({ error }) => error?.code ?? "none")
        .toSorted(),
    ).toEqual(["UNAVAILABLE", "none"]);
  });

  it("counts as a request, like the same by REST", async () => {
    const owner = await Client.as("user", "none");
    const socket = await Socket.of(owner);
    const left = async () => Number((await owner.get("/images")).headers.get("RateLimit-Remaining"));
    const before = await left();
    await control(socket, "none", "start");
    expect(await left()).toBe(before - 2);
  });
});
