/** What sockets are told: the present, then every change, once, whatever happens in between. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { userHub } from "../../api/hubs.ts";
import type { UserHub } from "../../api/objects/user-hub.ts";
import { sweep } from "../../api/sweep.ts";
import { FakeAgent, hosted, report, until } from "./agent.ts";
import { addHost, Client, machine, patch } from "./client.ts";
import { Socket } from "./socket.ts";

const bindings = env as unknown as Env;
const hub = (user: Client) => bindings.USER_HUB.getByName(userHub(user.id));
const rename = (name: string, id: string) =>
  env.DB.prepare("UPDATE vms SET name = ? WHERE id = ?").bind(name, id).run();
let admin: Client;
let user: Client;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
  user = await Client.as("user", "none");
  // Emptier than those whose agents answer, and no worse provided: what is created without a wish stays under way.
  const hostId = await addHost({ capacityCpu: 1e6, capacityMemory: 1e9, capacityDisk: 1e6 });
  await env.DB.prepare("INSERT INTO host_images (image_id, host_id) VALUES ('img-tiny', ?)").bind(hostId).run();
});

async function machineOf(owner: Client, name: string): Promise<string> {
  const { status, body } = await owner.post("/vms", machine(name));
  expect(status).toBe(201);
  return body.data.id;
}

/** The object's memory goes, as it does when it hibernates. */
async function evict(client: Client): Promise<void> {
  await hub(client).isOpen();
  await evictDurableObject(hub(client));
}

/** Changes what D1 shows, as a host's projection does, and tells nobody. */
async function show(id: string, status: string): Promise<void> {
  await env.DB.prepare("UPDATE vms SET status = ? WHERE id = ?").bind(status, id).run();
}

async function lastEvent(): Promise<number> {
  return (await env.DB.prepare("SELECT max(seq) AS seq FROM events").first<{ seq: number }>())?.seq ?? 0;
}

describe("vm-status", () => {
  it("tells the present state at once, and then every change to the end", async () => {
    const { agent, id } = await hosted(admin, "watched");
    const socket = await Socket.of(admin);
    expect(await socket.subscribe({ topic: "vm-status", vmId: "watched" })).toMatchObject({
      ...{ type: "subscribe", data: { status: "success", topic: "vm-status" } },
    });
    expect(await socket.heard("vm-status")).toEqual({
      ...{ vmId: id, name: "watched", status: "stopped", cpu: null, memory: null, network: null },
    });
    agent.onExecute = (order) => agent.done(order, order.kind === "vm.delete" ? null : report(id, "running"));
    await admin.post(`/vms/${id}/start`);
    await socket.heard("vm-status", 3);
    await patch(admin, `/vms/${id}`, { name: "renamed" });
    await patch(admin, `/vms/${id}`, { description: "no news" });
    await socket.heard("vm-status", 4);
    await admin.request("DELETE", `/vms/${id}?force=true`);
    await socket.heard("vm-status", 6);
    const heard = socket.all("vm-status").map(({ name, status }) => `${name} ${status}`);
    expect(heard).toEqual([
      ...["watched stopped", "watched starting", "watched running"],
      ...["renamed running", "renamed deleting", "renamed deleted"],
    ]);
  });

  it("of all is of one's own for a user, and of everybody's for an administrator", async () => {
    const [mine, theirs] = [await machineOf(user, "mine"), await machineOf(admin, "theirs")];
    const [own, all] = [await Socket.of(user), await Socket.of(admin)];
    await own.subscribe({ topic: "vm-status-all" });
    await all.subscribe({ topic: "vm-status-all" });
    const later = await machineOf(user, "later");
    await until(() => own.all("vm-status").some(({ vmId }) => vmId === later), "the new one is told");
    await until(() => all.all("vm-status").some(({ vmId }) => vmId === later), "and to the administrator");
    expect(all.all("vm-status").map(({ vmId }) => vmId)).toEqual(expect.arrayContaining([mine, theirs, later]));
    expect(own.all("vm-status").map(({ vmId }) => vmId)).toEqual([mine, later]);
  });

  it("is told once where it is subscribed to twice, and not any more after 'unsubscribe'", async () => {
    const id = await machineOf(user, "twice");
    const socket = await Socket.of(user);
    await socket.subscribe({ topic: "vm-status", vmId: id });
    await socket.subscribe({ topic: "vm-status-all" });
    const before = socket.all("vm-status").length;
    await show(id, "running");
    await hub(user).look(userHub(user.id));
    await socket.heard("vm-status", before + 1);
    await socket.ask("ping");
    expect(socket.all("vm-status").slice(before)).toMatchObject([{ vmId: id, status: "running" }]);
    await socket.ask("unsubscribe", { topic: "vm-status-all" });
    await socket.ask("unsubscribe", { topic: "vm-status", vmId: "twice" });
    await show(id, "stopped");
    await hub(user).look(userHub(user.id));
    await socket.ask("ping");
    expect(socket.all("vm-status").slice(before)).toHaveLength(1);
  });

  it("misses nothing and doubles nothing of what changes while it begins", async () => {
    const id = await machineOf(user, "racing");
    const states = ["running", "paused", "stopped"];
    let step = 0;
    let going = true;
    const changing = (async () => {
      while (going) {
        await show(id, states[step++ % 3] as string);
        void hub(user).look(userHub(user.id));
        await scheduler.wait(1);
      }
    })();
    const sockets = await Promise.all(Array.from({ length: 8 }, () => Socket.of(user)));
    try {
      for (const socket of sockets) await socket.subscribe({ topic: "vm-status", vmId: id });
      await scheduler.wait(100);
    } finally {
      going = false;
    }
    await changing;
    await hub(user).look(userHub(user.id));
    for (const socket of sockets) {
      const heard = socket.all("vm-status").map(({ status }) => states.indexOf(status));
      expect(heard.length).toBeGreaterThan(1);
      // Each state follows the one before it in the cycle: none was left out, none came twice.
      heard.slice(1).forEach((state, index) => expect(state).toBe(((heard[index] as number) + 1) % 3));
      expect(heard.at(-1)).toBe((step - 1) % 3);
      socket.close();
    }
  });
});

describe("events", () => {
  it("are told in order with words in the connection's language, and again from 'after' on", async () => {
    const socket = await Socket.of(user);
    const { seq } = (await socket.subscribe({ topic: "events" })).data;
    const id = await machineOf(user, "eventful");
    await socket.heard("system-event", 2);
    const heard = socket.all("system-event");
    expect(heard).toMatchObject([
      { event: "vm-created", vmId: id, userId: user.id, message: "Machine eventful was created", level: "info" },
      { event: "operation-accepted", vmId: id, data: { kind: "vm.create", status: "queued" } },
    ]);
    const { socket: chinese } = await openChinese(user);
    await chinese.subscribe({ topic: "events", after: seq });
    await chinese.heard("system-event", 2);
    expect(chinese.all("system-event")[0]?.message).toBe("虚拟机 eventful 已创建");
    expect(chinese.all("system-event").map((event) => event.seq)).toEqual(heard.map((event) => event.seq));
  });

  it("are replayed from 'after' on without gap or double, by pages, while more of them happen", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "busy");
    const start = await lastEvent();
    const many = 450;
    const change = (n: number) => rename(`busy-${n}`, id);
    for (let n = 0; n < many; n++) await change(n);
    const socket = await Socket.of(owner);
    await socket.subscribe({ topic: "vm-status", vmId: id });
    await socket.subscribe({ topic: "events", after: start });
    for (let n = many; n < many + 20; n++) {
      await change(n);
      void hub(owner).look(userHub(owner.id));
    }
    await hub(owner).look(userHub(owner.id));
    await socket.heard("system-event", many + 20);
    const names = socket.all("system-event").map(({ data }) => data["name"]);
    expect(names).toEqual(Array.from({ length: many + 20 }, (_, n) => `busy-${n}`));
    expect(socket.all("vm-status").map(({ name }) => name)).toEqual(
      Array.from({ length: 21 }, (_, n) => `busy-${n + many - 1}`),
    );
  });

  it("survive the object's eviction in the middle, with every subscription", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "evicted");
    const socket = await Socket.of(owner);
    await socket.subscribe({ topic: "vm-status", vmId: id });
    await socket.subscribe({ topic: "operations" });
    await socket.subscribe({ topic: "events" });
    for (let n = 0; n < 6; n++) {
      if (n % 2 === 0) await evict(owner);
      await rename(`name-${n}`, id);
      if (n % 3 === 0) await evict(owner);
      await hub(owner).look(userHub(owner.id));
    }
    const expected = Array.from({ length: 6 }, (_, n) => `name-${n}`);
    await socket.heard("system-event", 6);
    expect(socket.all("system-event").map(({ data }) => data["name"])).toEqual(expected);
    expect(socket.all("vm-status").map(({ name }) => name)).toEqual(["evicted", ...expected]);
  });

  it("are found by the hub itself where every hint is lost", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "unhinted");
    const socket = await Socket.of(owner);
    await socket.subscribe({ topic: "events" });
    await env.DB.prepare("DELETE FROM watchers WHERE user_id = ?").bind(owner.id).run();
    await rename("found", id);
    expect(await runDurableObjectAlarm(hub(owner))).toBe(true);
    expect(await socket.heard("system-event")).toMatchObject({ event: "vm-updated", data: { name: "found" } });
    await patch(owner, `/vms/${id}`, { name: "hinted-again" });
    await socket.heard("system-event", 2);
  });

  it("older than what is kept are told to be gone, with the oldest that is not", async () => {
    const owner = await Client.as("user", "none");
    await machineOf(owner, "old");
    const last = await lastEvent();
    const { results } = await env.DB.prepare("SELECT * FROM events ORDER BY seq").all();
    await env.DB.prepare("UPDATE events SET timestamp = '2020-01-01T00:00:00.000Z' WHERE seq < ?").bind(last).run();
    await sweep(bindings);
    expect((await env.DB.prepare("SELECT min(seq) AS seq FROM events").first())?.["seq"]).toBe(last);
    expect(results.length).toBeGreaterThan(1);

    const socket = await Socket.of(owner);
    const answer = await socket.subscribe({ topic: "events", after: last - 2 });
    expect(answer).toMatchObject({ type: "error", data: { code: "EVENTS_EXPIRED" } });
    expect(answer.data.details).toContain(`${last}`);
    expect(await socket.subscribe({ topic: "events", after: last + 100 })).toMatchObject({
      data: { code: "EVENTS_EXPIRED" },
    });
    expect(await socket.subscribe({ topic: "events", after: last - 1 })).toMatchObject({ type: "subscribe" });
    await socket.heard("system-event");
    const rest = await owner.get(`/events?after=${last - 2}`);
    expect(rest).toMatchObject({ status: 410, body: { error: { code: "EVENTS_EXPIRED" } } });
  });

  it("of the system are the administrators', and of others nobody's", async () => {
    const [own, all] = [await Socket.of(user), await Socket.of(admin)];
    await own.subscribe({ topic: "events" });
    await all.subscribe({ topic: "events" });
    const other = await Client.as("user", "none");
    await machineOf(other, "private");
    await patch(admin, `/users/${other.id}`, { email: "a@example.org" });
    await admin.post("/images", {
      ...{ name: "own", url: "https://example.com/a.qcow2", sha256: "0".repeat(64), format: "qcow2", os: "own" },
    });
    await admin.request("PUT", "/config", { storage: { maxDisk: 100 } });
    const agent = await FakeAgent.enrolled(admin, "told-of");
    await agent.connect();
    agent.close();
    await until(() => all.all("system-event").some(({ event }) => event === "host-offline"), "the host is offline");
    const kinds = all.all("system-event").map(({ event }) => event);
    const system = ["user-updated", "image-added", "config-updated", "host-added", "host-online", "host-offline"];
    expect(kinds).toEqual(expect.arrayContaining(["vm-created", ...system]));
    expect(own.all("system-event")).toEqual([]);
    const rest = (await user.get("/events?limit=1000")).body.data.events;
    expect(rest.filter(({ userId }: { userId: string | null }) => userId !== user.id)).toEqual([]);
  });

  it("are those that the permissions reach", async () => {
    const { token } = (await user.post("/auth/tokens", { name: "few", scopes: ["event:read", "vm:read"] })).body.data;
    const client = new Client(token, user.id);
    const socket = await Socket.of(client);
    await socket.subscribe({ topic: "events" });
    const id = await machineOf(user, "scoped");
    await machineOf(user, "scoped-too");
    await socket.heard("system-event", 2);
    expect(socket.all("system-event").map(({ event }) => event)).toEqual(["vm-created", "vm-created"]);
    const { events } = (await client.get(`/vms/${id}/events`)).body.data;
    expect(events.map(({ event }: { event: string }) => event)).toEqual(["vm-created"]);
  });

  it("are read over REST by pages, with those of machines that are gone, and nobody else's", async () => {
    const { agent, id } = await hosted(admin, "gone-later");
    agent.onExecute = (order) => agent.done(order, null);
    await admin.request("DELETE", `/vms/${id}`, undefined, { Prefer: "wait=5" });
    const kinds: string[] = [];
    for (let after = 0, more = true; more;) {
      const { body, status } = await admin.get(`/vms/${id}/events?limit=2&after=${after || (await firstKept())}`);
      expect(status).toBe(200);
      kinds.push(...body.data.events.map(({ event }: { event: string }) => event));
      ({ after, more } = body.data);
    }
    expect(kinds).toEqual(expect.arrayContaining(["vm-created", "operation-ended", "vm-status-changed", "vm-deleted"]));
    expect((await user.get(`/vms/${id}/events`)).status).toBe(404);
    expect((await user.get("/vms/none/events")).status).toBe(404);
    expect((await admin.get("/events?after=-1")).status).toBe(400);
    expect((await admin.get("/events?after=x")).status).toBe(400);
    expect((await admin.get(`/events?after=${(await lastEvent()) + 5}`)).status).toBe(410);
  });
});

async function firstKept(): Promise<number> {
  const row = await env.DB.prepare("SELECT min(seq) AS seq FROM events").first<{ seq: number }>();
  return (row?.seq ?? 1) - 1;
}

async function openChinese(client: Client): Promise<{ socket: Socket }> {
  const { openSocket } = await import("./socket.ts");
  const { socket } = await openSocket(`?token=${client.token}`, { "Accept-Language": "zh-CN" });
  return { socket: socket as Socket };
}

describe("operations", () => {
  it("are told as they were at each step, with their progress", async () => {
    const { agent, id } = await hosted(admin, "stepwise");
    const socket = await Socket.of(admin);
    await socket.subscribe({ topic: "operations" });
    const { id: operationId } = (await admin.post(`/vms/${id}/start`)).body.data;
    const order = await agent.heard("execute", 1);
    agent.send({ type: "accept", operationId });
    await until(() => mine().some(({ status }) => status === "running"), "it is running");
    agent.send({ type: "progress", operationId, percent: 40, step: "boot", message: "half way" });
    await until(() => mine().some(({ progress }) => progress.percent === 40), "progress is told");
    agent.done(order, report(id, "running"));
    await until(() => mine().some(({ status }) => status === "succeeded"), "the end is told");
    const steps = mine().map(({ status, progress }) => `${status} ${progress.percent}`);
    expect(steps).toEqual(["queued 0", "running 0", "running 40", "succeeded 100"]);
    expect(mine().map(({ finishedAt }) => finishedAt !== null)).toEqual([false, false, false, true]);

    function mine() {
      return socket.all("operation").filter((operation) => operation.id === operationId);
    }
  });

  it("that are under way are the present state", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "under-way");
    const socket = await Socket.of(owner);
    await socket.subscribe({ topic: "operations" });
    expect(socket.all("operation")).toMatchObject([{ kind: "vm.create", resource: { id }, status: "queued" }]);
  });
});

describe("another tenant", () => {
  it("finds no machine of others by any topic or action, by id or by name", async () => {
    const id = await machineOf(user, "secret");
    const other = await Client.as("user", "none");
    const socket = await Socket.of(other);
    for (const vmId of [id, "secret", "vm-00000000000000000000000000"]) {
      for (const topic of ["vm-status"]) {
        expect(await socket.subscribe({ topic, vmId })).toMatchObject({ data: { code: "VM_NOT_FOUND", vmId } });
      }
      expect(await socket.ask("vm-control", { vmId, action: "start" })).toMatchObject({
        ...{ type: "vm-control-response", data: { vmId, status: "error", error: { code: "VM_NOT_FOUND" } } },
      });
    }
    for (const topic of ["vm-status-all", "operations", "events"]) await socket.subscribe({ topic });
    await user.post(`/vms/${id}/start`, {});
    await machineOf(other, "own");
    await socket.heard("vm-status");
    const text = JSON.stringify(socket.messages);
    expect(text).not.toContain(user.id);
    expect(text.includes(id)).toBe(true);
    expect(socket.all("system-event").every(({ userId }) => userId === other.id)).toBe(true);
    expect(socket.all("operation").every((operation) => operation.userId === other.id)).toBe(true);
    expect(socket.all("vm-status").every(({ name }) => name === "own")).toBe(true);
  });
});

describe("subscriptions", () => {
  it("are a hundred at most, and the next one is refused without asking the database", async () => {
    const owner = await Client.as("user", "none");
    const ids: string[] = [];
    for (let n = 0; n < 100; n++) {
      const id = `vm-${String(n).padStart(26, "0")}`;
      ids.push(id);
    }
    const first = await machineOf(owner, "m-0");
    await env.DB.batch(
      ids.map((id, n) =>
        env.DB.prepare(
          `INSERT INTO vms SELECT ?, ?, description, owner_id, host_id, generation, status, observed, status_reason, cpu,
           memory, disk, os, image_id, network, ?, autostart, protected, labels, accelerator, created_at, started_at,
           updated_at FROM vms WHERE id = ?`,
        ).bind(id, `many-${n}`, `52:54:00:ff:ff:${n}`, first),
      ),
    );
    const socket = await Socket.of(owner);
    for (const vmId of ids)
      expect(await socket.subscribe({ topic: "vm-status", vmId })).toMatchObject({ type: "subscribe" });
    expect(await socket.subscribe({ topic: "vm-status", vmId: first })).toMatchObject({
      data: { code: "TOO_MANY_SUBSCRIPTIONS" },
    });
    expect(await socket.subscribe({ topic: "vm-status", vmId: ids[3] as string })).toMatchObject({ type: "subscribe" });
    await evict(owner);
    const before = socket.all("vm-status").length;
    await show(ids[99] as string, "running");
    await hub(owner).look(userHub(owner.id));
    expect(await socket.heard("vm-status", before + 1)).toMatchObject({ vmId: ids[99], status: "running" });
  });

  it("of a user end with the last socket, in the database too", async () => {
    const owner = await Client.as("user", "none");
    const watches = async () =>
      (await env.DB.prepare("SELECT count(*) AS n FROM watchers WHERE user_id = ?").bind(owner.id).first())?.["n"];
    const [one, two] = [await Socket.of(owner), await Socket.of(owner)];
    await one.subscribe({ topic: "events" });
    await two.subscribe({ topic: "vm-status-all" });
    expect(await watches()).toBe(1);
    one.close();
    two.close();
    await until(async () => (await watches()) === 0, "nobody watches");
    await until(
      () => runInDurableObject(hub(owner), (_: UserHub, { storage }) => [...storage.kv.list()].length === 0),
      "nothing is kept",
    );
  });
});

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

describe("a client that stops reading", () => {
  /** Events with a lot to say. */
  async function talk(owner: Client, id: string, count: number): Promise<void> {
    await env.DB.batch(
      Array.from({ length: count }, (_, n) =>
        env.DB.prepare("UPDATE vms SET name = ? WHERE id = ?").bind(`${n}-${"x".repeat(20_000)}`, id),
      ),
    );
    await hub(owner).look(userHub(owner.id));
  }
  const windowOf = (owner: Client) =>
    runInDurableObject(hub(owner), (_: UserHub, state) =>
      state.getWebSockets().map((socket) => socket.deserializeAttachment().window),
    );

  it("is sent the machines of a large fleet as far as it reads, and each as it is by then", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "first");
    const columns = (await env.DB.prepare("SELECT name FROM pragma_table_info('vms')").all<{ name: string }>()).results;
    const own: Record<string, string> = {
      ...{ id: "'vm-' || substr('0000' || n.i, -4)", name: "n.i || printf('%2000s', '')", mac_address: "n.i" },
    };
    const copied = columns.map(({ name }) => own[name] ?? `vms.${name}`);
    await env.DB.prepare(
      `INSERT INTO vms (${columns.map(({ name }) => name).join(", ")})
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2300)
       SELECT ${copied.join(", ")} FROM n, vms WHERE vms.id = ?`,
    )
      .bind(id)
      .run();
    const socket = await Socket.of(owner);
    socket.reads = false;
    await socket.subscribe({ topic: "vm-status-all" });
    const heard = () => socket.all("vm-status");
    await until(() => heard().length >= 2_000, "what it may be sent unread has come");
    await evict(owner);
    for (const vm of ["vm-0001", "vm-2299"]) await show(vm, "paused");
    await hub(owner).look(userHub(owner.id));
    expect(heard()).toHaveLength(2_000);

    socket.reads = true;
    const [question] = socket.messages.filter(({ type }) => type === "ping").slice(-1);
    socket.send({ type: "pong", id: question?.id });
    await until(
      () => heard().some(({ vmId, status }) => vmId === "vm-0001" && status === "paused"),
      "the rest has come",
    );
    expect(new Set(heard().map(({ vmId }) => vmId)).size).toBe(2_301);
    expect(
      heard()
        .filter(({ vmId }) => vmId === "vm-2299")
        .map(({ status }) => status),
    ).toEqual(["paused"]);
    socket.close();
  });

  it("is sent no more than its window, is closed with 4408, and loses nothing", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "talking");
    const socket = await Socket.of(owner);
    socket.reads = false;
    const { seq } = (await socket.subscribe({ topic: "events" })).data;
    for (let n = 0; n < 6; n++) await talk(owner, id, 50);
    const [window] = await windowOf(owner);
    expect(window.sent).toBeGreaterThan(4_194_304);
    expect(window.sent).toBeLessThan(4_194_304 + 200_000);
    expect(window.fullSince).toBeGreaterThan(0);
    const heard = socket.all("system-event");
    expect(socket.all("ping")).toHaveLength(1);
    expect(heard.length).toBeLessThan(150);

    await evict(owner);
    await runInDurableObject(hub(owner), (_: UserHub, state) => {
      for (const one of state.getWebSockets()) {
        const attachment = one.deserializeAttachment();
        one.serializeAttachment({ ...attachment, window: { ...attachment.window, fullSince: Date.now() - 30_001 } });
      }
    });
    await evict(owner);
    await runDurableObjectAlarm(hub(owner));
    expect(await socket.closedWith()).toBe(4408);

    const again = await Socket.of(owner);
    await again.subscribe({ topic: "events", after: heard.at(-1)?.seq ?? seq });
    await again.heard("system-event", 300 - heard.length);
    const names = [...heard, ...again.all("system-event")].map(({ data }) => data["name"]?.split("-")[0]);
    expect(names).toEqual(Array.from({ length: 300 }, (_, n) => `${n % 50}`));
  });

  it("and reads again goes on where it was, by the answer to the ping alone", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "pausing");
    const socket = await Socket.of(owner);
    socket.reads = false;
    await socket.subscribe({ topic: "events" });
    for (let n = 0; n < 5; n++) await talk(owner, id, 50);
    const ping = socket.messages.find(({ type }) => type === "ping");
    socket.send({ type: "pong", id: "guessed" });
    expect(await socket.ask("ping")).toMatchObject({ type: "pong" });
    expect((await windowOf(owner))[0].sent).toBeGreaterThan(4_194_304);
    socket.reads = true;
    socket.send({ type: "pong", id: ping?.id });
    await socket.heard("system-event", 250);
    const names = socket.all("system-event").map(({ data }) => data["name"]?.split("-")[0]);
    expect(names).toEqual(Array.from({ length: 250 }, (_, n) => `${n % 50}`));
  });

  it("but asks and asks is closed", async () => {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, "asking");
    const socket = await Socket.of(owner);
    socket.reads = false;
    await socket.subscribe({ topic: "events" });
    for (let n = 0; n < 5; n++) await talk(owner, id, 50);
    for (let n = 0; n < 1_100 && socket.closed === null; n++) {
      socket.send({ type: "ping" });
      if (n % 50 === 0) await scheduler.wait(5);
    }
    expect(await socket.closedWith()).toBe(4408);
  });
});
