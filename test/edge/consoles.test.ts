/** Consoles inside `/ws` against a host at the far end of real sockets: who gets one, what flows, and that it outlives the object's memory. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { userHub } from "../../api/hubs.ts";
import { splitUtf8 } from "../../api/objects/utf8-pieces.ts";
import { type FakeAgent, hosted, until } from "./agent.ts";
import { Client, patch } from "./client.ts";
import { Socket } from "./socket.ts";
import { dialStream, joinStream, type StreamPeer } from "./stream-host.ts";

const bindings = env as unknown as Env;
const credentials = { username: "root", password: "the-guests-own-secret" };
let admin: Client;
let agent: FakeAgent;
let id: string;
let orders = 0;

beforeAll(async () => {
  admin = await Client.as("admin", "none");
  ({ agent, id } = await hosted(admin, "screen", "running"));
});

/** Asks for a console, and is the host that opens it. */
async function open(socket: Socket, type: "vnc-connect" | "terminal-connect", data: object) {
  const answer = socket.ask(type, { vmId: id, ...data });
  const { order } = await agent.heard("open-stream", orders++);
  const host = await joinStream(agent, order);
  return { order, host, answer: await answer };
}

const hub = () => bindings.USER_HUB.getByName(userHub(admin.id));

describe("a screen inside /ws", () => {
  it("carries bytes both ways as base64, and input as controls", async () => {
    const socket = await Socket.of(admin);
    const { order, host, answer } = await open(socket, "vnc-connect", { viewOnly: false });
    expect(order.target).toEqual({ kind: "vnc", vmId: id, viewOnly: false });
    expect(answer).toMatchObject({ type: "vnc-connected", data: { vmId: id, viewOnly: false } });
    host.send(new TextEncoder().encode("RFB 003.008\n"));
    expect(await socket.heard("vnc-data")).toEqual({ vmId: id, data: btoa("RFB 003.008\n") });
    socket.send({ type: "vnc-data", data: { vmId: id, data: btoa("hello") } });
    await host.hears("hello");
    const inputs = [
      [
        { inputType: "mouse", x: 5, y: 6, buttons: 1 },
        { type: "mouse", x: 5, y: 6, buttons: 1 },
      ],
      [
        { inputType: "keyboard", key: "Enter", down: true },
        { type: "key", key: "Enter", down: true },
      ],
      [
        { inputType: "text", text: "ls\n" },
        { type: "text", text: "ls\n" },
      ],
    ] as const;
    for (const [input, control] of inputs) {
      socket.send({ type: "vnc-input", data: { vmId: id, ...input } });
      expect(await host.hearsControl(control.type)).toEqual(control);
    }
    host.control({ type: "untyped", characters: "é" });
    expect(await socket.heard("error")).toMatchObject({ code: "TEXT_NOT_TYPED", vmId: id, details: "Left out: é" });
    expect(await socket.ask("vnc-close", { vmId: id })).toMatchObject({ type: "vnc-closed", data: { code: null } });
    await host.ended();
    socket.close();
  });

  it("goes on after the object was evicted, in mid-console and while the host dials", async () => {
    const socket = await Socket.of(admin);
    const answer = socket.ask("vnc-connect", { vmId: id });
    const { order } = await agent.heard("open-stream", orders++);
    await evictDurableObject(hub());
    const host = await joinStream(agent, order);
    expect(await answer).toMatchObject({ type: "vnc-connected" });
    await evictDurableObject(hub());
    host.send(Uint8Array.of(1, 2));
    expect((await socket.heard("vnc-data")).data).toBe("AQI=");
    await evictDurableObject(hub());
    socket.send({ type: "vnc-data", data: { vmId: id, data: btoa("after") } });
    await host.hears("after");
    socket.close();
    await host.ended();
  });

  it("ends when its client shows no sign of life for 6 MiB, and goes on when it does", async () => {
    const socket = await Socket.of(admin);
    socket.reads = false;
    const { host } = await open(socket, "vnc-connect", {});
    const block = new Uint8Array(65_536);
    for (let sent = 0; host.closed === null && sent < 200; sent++) {
      host.send(block);
      await until(() => socket.all("vnc-data").length > sent || host.closed !== null, "a block is through");
    }
    expect(await socket.heard("vnc-closed")).toMatchObject({ code: "READER_TOO_SLOW" });
    expect(socket.all("vnc-data").length).toBeGreaterThanOrEqual(90);
    expect(socket.all("vnc-data").length).toBeLessThanOrEqual(97);
    // It was asked, and did not answer.
    expect(socket.all("ping").length).toBeGreaterThanOrEqual(5);
    expect((await socket.ask("ping")).type).toBe("pong");
    socket.close();

    const reader = await Socket.of(admin);
    const { host: other } = await open(reader, "vnc-connect", {});
    for (let sent = 0; sent < 150; sent++) {
      other.send(block);
      await until(() => reader.all("vnc-data").length > sent, "a block is through");
    }
    expect(reader.all("vnc-closed")).toEqual([]);
    reader.close();
  });
});

describe("a terminal inside /ws", () => {
  it("logs in with credentials that are handed on and kept nowhere", async () => {
    const socket = await Socket.of(admin);
    const { order, host, answer } = await open(socket, "terminal-connect", {
      type: "ssh",
      credentials,
      cols: 100,
      rows: 30,
    });
    expect(order.target).toEqual({ kind: "ssh", vmId: id, credentials, cols: 100, rows: 30 });
    expect(answer).toMatchObject({ type: "terminal-connected", data: { type: "ssh", writable: true } });
    socket.send({ type: "terminal-resize", data: { vmId: id, cols: 132, rows: 43 } });
    expect(await host.hearsControl("resize")).toMatchObject({ cols: 132, rows: 43 });
    socket.send({ type: "terminal-input", data: { vmId: id, input: "ls\r" } });
    await host.hears("ls\r");
    const kept = await storedIn();
    expect(kept).toContain("console:");
    expect(kept).not.toContain(credentials.password);
    host.control({ type: "closed", code: null, message: null });
    expect(await socket.heard("terminal-closed")).toMatchObject({ vmId: id, code: null });
    expect(await storedIn()).not.toContain("console:");
    socket.close();
  });

  it("tells of gaps, of the right to write, and of a character that was cut only when it is whole", async () => {
    const socket = await Socket.of(admin);
    const { host } = await open(socket, "terminal-connect", { type: "serial", takeOver: true });
    const bytes = new TextEncoder().encode("aé中");
    host.send(bytes.slice(0, 2));
    expect((await socket.heard("terminal-output")).output).toBe("a");
    await evictDurableObject(hub());
    host.send(bytes.slice(2, 5));
    expect((await socket.heard("terminal-output", 2)).output).toBe("é");
    host.send(bytes.slice(5));
    expect((await socket.heard("terminal-output", 3)).output).toBe("中");
    host.control({ type: "gap", bytes: 7 });
    expect(await socket.heard("terminal-gap")).toEqual({ vmId: id, bytes: 7 });
    host.control({ type: "writer", writable: false });
    expect(await socket.heard("terminal-writer")).toEqual({ vmId: id, writable: false });
    socket.close();
  });

  it("says as an error why it did not come to be", async () => {
    const socket = await Socket.of(admin);
    const answer = socket.ask("terminal-connect", { vmId: id, type: "ssh", credentials });
    const { order } = await agent.heard("open-stream", orders++);
    const { webSocket } = await dialStream(agent, order.ticket);
    webSocket?.accept();
    webSocket?.send(JSON.stringify({ type: "closed", code: "SSH_AUTH_FAILED", message: "refused" }));
    expect(await answer).toMatchObject({
      type: "error",
      data: { code: "SSH_AUTH_FAILED", vmId: id, details: "refused" },
    });
    expect((await dialStream(agent, order.ticket)).status).toBe(404);
    socket.close();
  });
});

describe("what is refused, while the connection stays", () => {
  it("another tenant's machine, one that is off, a second console of a kind, a login without credentials, nothing open", async () => {
    const { id: off } = await hosted(admin, "off");
    const stranger = await Socket.of(await Client.as("user"));
    const own = await Socket.of(admin);
    const codes = async (socket: Socket, type: string, data: object) =>
      (await socket.ask(type, data)).data.code as string;
    expect(await codes(stranger, "vnc-connect", { vmId: id })).toBe("VM_NOT_FOUND");
    expect(await codes(stranger, "vnc-data", { vmId: id, data: "AA==" })).toBe("STREAM_NOT_FOUND");
    expect(await codes(own, "terminal-connect", { vmId: off, type: "serial" })).toBe("VM_NOT_RUNNING");
    expect(await codes(own, "terminal-connect", { vmId: id, type: "ssh" })).toBe("INVALID_REQUEST_PARAMS");
    expect(await codes(own, "terminal-resize", { vmId: id, cols: -1, rows: 2 })).toBe("INVALID_REQUEST_PARAMS");
    expect(await codes(own, "vnc-data", { vmId: id, data: "not base64!" })).toBe("INVALID_REQUEST_PARAMS");
    await open(own, "vnc-connect", {});
    expect(await codes(own, "vnc-connect", { vmId: id })).toBe("CONSOLE_OPEN");
    for (const socket of [stranger, own]) {
      expect((await socket.ask("ping")).type).toBe("pong");
      socket.close();
    }
  });

  it("a ninth console on one connection", async () => {
    const others = await Promise.all(Array.from({ length: 4 }, (_, n) => hosted(admin, `many-${n}`, "running")));
    const socket = await Socket.of(admin);
    const ask = (vmId: string) => [
      socket.ask("vnc-connect", { vmId }),
      socket.ask("terminal-connect", { vmId, type: "serial" }),
    ];
    for (const other of others) ask(other.id).forEach((answer) => void answer.catch(() => {}));
    expect((await ask(id)[0])?.data.code).toBe("TOO_MANY_STREAMS");
    await Promise.all(others.map((other) => other.agent.heard("open-stream", 1)));
    socket.close();
  });

  it("a host that doesn't dial in time", async () => {
    const socket = await Socket.of(admin);
    socket.send({ type: "vnc-connect", data: { vmId: id }, id: "mine" });
    await agent.heard("open-stream", orders++);
    const waited = Date.now();
    await until(
      async () => {
        await runDurableObjectAlarm(hub());
        return socket.all("error").length > 0;
      },
      "it is told",
      40_000,
    );
    expect(socket.messages).toMatchObject([{ type: "error", id: "mine", data: { code: "HOST_OFFLINE" } }]);
    expect(Date.now() - waited).toBeGreaterThan(5_000);
    socket.close();
  });
});

it("a console ends with the right to it", async () => {
  const user = await Client.as("user");
  const { agent: other, id: own } = await hosted(admin, "theirs", "running");
  await bindings.DB.prepare("UPDATE vms SET owner_id = ? WHERE id = ?").bind(user.id, own).run();
  const socket = await Socket.of(user);
  const answer = socket.ask("vnc-connect", { vmId: own });
  const host: StreamPeer = await joinStream(other, (await other.heard("open-stream")).order);
  await answer;
  expect((await patch(admin, `/users/${user.id}`, { status: "disabled" })).status).toBe(200);
  await host.ended();
  expect(await socket.closedWith()).toBe(4401);
});

it("text that is cut anywhere comes out whole", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
      (text, cuts) => {
        const bytes = new TextEncoder().encode(text);
        let [rest, heard] = [new Uint8Array(0) as Uint8Array, ""];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const length = cuts[turn % cuts.length] as number;
          const pieces = splitUtf8(Uint8Array.from([...rest, ...bytes.slice(at, at + length)]));
          heard += new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(pieces.whole);
          rest = pieces.rest;
          at += length;
        }
        expect(heard).toBe(text);
        expect(rest).toHaveLength(0);
      },
    ),
  );
});

/** All that the hub keeps, as text. */
async function storedIn(): Promise<string> {
  return runInDurableObject(hub(), async (_, { storage }) => JSON.stringify([...storage.kv.list()]));
}
