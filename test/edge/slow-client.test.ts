/** A client that stops reading: it is sent no more than its window, and loses nothing. */
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { UserHub } from "../../api/objects/user-hub.ts";
import { until } from "./agent.ts";
import { Client } from "./client.ts";
import { evict, hub, look, machineOf, show } from "./one-hub.ts";
import { Socket } from "./socket.ts";

describe("a client that stops reading", () => {
  /** Events with a lot to say. */
  async function talk(owner: Client, id: string, count: number): Promise<void> {
    await env.DB.batch(
      Array.from({ length: count }, (_, n) =>
        env.DB.prepare("UPDATE vms SET name = ? WHERE id = ?").bind(`${n}-${"x".repeat(20_000)}`, id),
      ),
    );
    await look(owner);
  }
  /** A user's socket that was told so many pages of events, from `seq` on, and has read none of them. */
  async function unread(name: string, pages: number) {
    const owner = await Client.as("user", "none");
    const id = await machineOf(owner, name);
    const socket = await Socket.of(owner);
    socket.reads = false;
    const { seq } = (await socket.subscribe({ topic: "events" })).data;
    for (let n = 0; n < pages; n++) await talk(owner, id, 50);
    return { owner, socket, seq };
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
    await look(owner);
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
    const { owner, socket, seq } = await unread("talking", 6);
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
    const { owner, socket } = await unread("pausing", 5);
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
    const { socket } = await unread("asking", 5);
    for (let n = 0; n < 1_100 && socket.closed === null; n++) {
      socket.send({ type: "ping" });
      if (n % 50 === 0) await scheduler.wait(5);
    }
    expect(await socket.closedWith()).toBe(4408);
  });
});
