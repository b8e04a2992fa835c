/** What sockets are told of machines and operations: the present, then every change, once, whatever happens in between. */
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { UserHub } from "../../api/objects/user-hub.ts";
import { hosted, report, until } from "./agent.ts";
import { Client, patch } from "./client.ts";
import { admin, evict, hub, look, machineOf, show, user } from "./one-hub.ts";
import { Socket } from "./socket.ts";

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
    await look(user);
    await socket.heard("vm-status", before + 1);
    await socket.ask("ping");
    expect(socket.all("vm-status").slice(before)).toMatchObject([{ vmId: id, status: "running" }]);
    await socket.ask("unsubscribe", { topic: "vm-status-all" });
    await socket.ask("unsubscribe", { topic: "vm-status", vmId: "twice" });
    await show(id, "stopped");
    await look(user);
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
        void look(user);
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
    await look(user);
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
    await look(owner);
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
