/** Events on sockets and over REST: each once and in order, to whom they concern, for as long as they are kept. */
import { env, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { sweep } from "../../api/sweep.ts";
import { FakeAgent, hosted, until } from "./agent.ts";
import { Client, patch } from "./client.ts";
import { admin, evict, hub, look, machineOf, user } from "./one-hub.ts";
import { openSocket, Socket } from "./socket.ts";

const bindings = env as unknown as Env;
const rename = (name: string, id: string) =>
  env.DB.prepare("UPDATE vms SET name = ? WHERE id = ?").bind(name, id).run();

async function lastEvent(): Promise<number> {
  return (await env.DB.prepare("SELECT max(seq) AS seq FROM events").first<{ seq: number }>())?.seq ?? 0;
}

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
    const opened = await openSocket(`?token=${user.token}&language=zh-CN`);
    const chinese = opened.socket as Socket;
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
      void look(owner);
    }
    await look(owner);
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
      await look(owner);
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
