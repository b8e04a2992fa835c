/** Streams at the edge: tickets, pairing, credit and what ends them, with an agent at the far end of real sockets. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { relayState } from "../../api/objects/relay.ts";
import type { Env } from "../../api/env.ts";
import { audit, vms } from "../../db/schema.ts";
import { creditProtocol, streamLimits } from "../../protocol/streams.ts";
import { type FakeAgent, hosted, until } from "./agent.ts";
import { Client } from "./client.ts";
import { connect, dialStream, joinStream, StreamPeer } from "./stream-host.ts";

const bindings = env as unknown as Env;
const { windowBytes, unawareBytes, maxFrameBytes } = streamLimits;
const bytes = (length: number) => new Uint8Array(length);
const text = (words: string) => new TextEncoder().encode(words);
const aware = { "Sec-WebSocket-Protocol": creditProtocol };

let admin: Client;
let agent: FakeAgent;
let vmId: string;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
  ({ agent, id: vmId } = await hosted(admin, "streams", "running"));
});

const clients: StreamPeer[] = [];
afterEach(async () => {
  const open = clients.splice(0).filter(({ closed }) => closed === null);
  for (const client of open) client.close();
  for (const client of open) await client.ended();
});

const streamOf = (url: string) => bindings.CONSOLE_STREAM.getByName(new URL(url).pathname.split("/").at(-1) ?? "");

async function ticket(path = "console/vnc", client = admin): Promise<string> {
  const { status, body } = await client.get(`/vms/${vmId}/${path}`);
  expect(status).toBe(200);
  return body.data.url as string;
}

/** The client's end of an upgrade; closed after the test, since a user has ten. */
function peer({ webSocket }: Response): StreamPeer {
  const client = new StreamPeer(webSocket as WebSocket);
  clients.push(client);
  return client;
}

/** A client that waits for its host, and the order that the host got. */
async function waiting(protocol: Record<string, string> = {}, path = "console/vnc", by = admin) {
  const url = await ticket(path, by);
  const orders = agent.frames.filter(({ type }) => type === "open-stream").length;
  const response = await connect(url, protocol);
  if (!response.webSocket) throw new Error(`${response.status}: ${await response.text()}`);
  const { order } = await agent.heard("open-stream", orders);
  const client = peer(response);
  return { url, client, order, response };
}

/** A client and its host, joined. */
async function joined(protocol: Record<string, string> = {}, path = "console/vnc", by = admin) {
  const opened = await waiting(protocol, path, by);
  return { ...opened, host: await joinStream(agent, opened.order) };
}

/** As if its last word, or the wait for its host, were `ms` longer ago. */
async function age(url: string, ms: number): Promise<void> {
  await runInDurableObject(streamOf(url), (_object, state) => {
    const { storage } = state;
    const stream = storage.kv.get<{ until: number; expiresAt: number }>("stream");
    if (stream) {
      storage.kv.put("stream", { ...stream, until: stream.until - ms, expiresAt: stream.expiresAt - ms });
    }
    for (const socket of state.getWebSockets("host")) {
      const relay = relayState(socket);
      if (relay) socket.serializeAttachment({ ...relay, lastAt: relay.lastAt - ms });
    }
  });
  // What it has read of its attachments it keeps in memory.
  await evictDurableObject(streamOf(url));
}

describe("a ticket", () => {
  it("is an address that is good once, however many try at the same time", async () => {
    const { body } = await admin.get(`/vms/${vmId}/console/vnc`);
    expect(body.data.url).toMatch(/^ws:\/\/edge\.test\/api\/v1\/streams\/stream-\w{26}\?ticket=[\w-]{43}$/);
    expect(Date.parse(body.data.expiresAt) - Date.now()).toBeLessThanOrEqual(30_000);
    const answers = await Promise.all([1, 2, 3].map(() => connect(body.data.url)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([101, 409, 409]);
    expect((await connect(body.data.url)).status).toBe(409);
    for (const answer of answers.filter(({ webSocket }) => webSocket)) peer(answer);
  });

  it("is refused when it comes late, has another secret or was never made", async () => {
    const url = await ticket();
    const never = url.replace(/stream-\w+/, `stream-${"0".repeat(26)}`);
    for (const wrong of [url.replace(/ticket=.*/, `ticket=${"A".repeat(43)}`), never]) {
      const answer = await connect(wrong);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ error: { code: "STREAM_NOT_FOUND" } });
    }
    await age(url, 31_000);
    expect((await connect(url)).status).toBe(404);
  });

  it("is kept as a hash, and forgotten after its time", async () => {
    const url = await ticket();
    const stored = () =>
      runInDurableObject(streamOf(url), (_object, { storage }) => JSON.stringify([...storage.kv.list()]));
    expect(await stored()).toContain(vmId);
    expect(await stored()).not.toContain(new URL(url).searchParams.get("ticket"));
    await age(url, 120_000);
    await runDurableObjectAlarm(streamOf(url));
    expect(await stored()).toBe("[]");
  });

  it("opens nothing for a page of another origin, or without an upgrade", async () => {
    const url = await ticket();
    expect((await connect(url, { Origin: "https://evil.test" })).status).toBe(403);
    expect((await admin.get(new URL(url).pathname.replace("/api/v1", "") + new URL(url).search)).status).toBe(426);
    const answer = await connect(url, { Origin: "http://edge.test" });
    expect(answer.status).toBe(101);
    peer(answer);
  });

  it("is written down in the audit trail, as a tunnel is with its port, and a refusal too", async () => {
    const stranger = await Client.as("user");
    await ticket("tunnel/ticket?port=8080");
    expect((await stranger.get(`/vms/${vmId}/console/serial`)).status).toBe(404);
    const rows = () => drizzle(env.DB).select().from(audit).where(eq(audit.method, "GET"));
    await until(async () => (await rows()).some(({ userId }) => userId === stranger.id), "the refusal is written");
    expect(await rows()).toContainEqual(
      expect.objectContaining({ path: `/api/v1/vms/${vmId}/tunnel/ticket?port=8080`, result: "succeeded" }),
    );
    expect(await rows()).toContainEqual(
      expect.objectContaining({ userId: stranger.id, result: "refused", code: "VM_NOT_FOUND" }),
    );
  });

  it("is not made for a machine that is off, or whose host is away", async () => {
    const { agent: other, id } = await hosted(admin, "tickets-off");
    expect(await admin.get(`/vms/${id}/console/vnc`)).toMatchObject({
      ...{ status: 409, body: { error: { code: "VM_NOT_RUNNING" } } },
    });
    other.close();
    const { agent: away, id: lost } = await hosted(admin, "tickets-away", "running");
    const { body } = await admin.get(`/vms/${lost}/tunnel/ticket`);
    away.close();
    await until(async () => (await admin.get(`/vms/${lost}/console/vnc`)).status === 503, "the host is away");
    const late = await connect(body.data.url);
    expect(late.status).toBe(503);
    expect(await late.json()).toMatchObject({ error: { code: "HOST_OFFLINE" } });
  });
});

describe("a tunnel", () => {
  it("is opened by a token, in the header or in the address, with the port that is asked for", async () => {
    const { token } = admin;
    const url = `ws://edge.test/api/v1/vms/${vmId}/tunnel?port=8080`;
    for (const [address, headers] of [
      [url, { Authorization: `Bearer ${token}` }],
      [`${url}&token=${token}`, {}],
    ] as const) {
      const orders = agent.frames.filter(({ type }) => type === "open-stream").length;
      const client = peer(await connect(address, headers as Record<string, string>));
      const { order } = await agent.heard("open-stream", orders);
      expect(order.target).toEqual({ kind: "tcp", vmId, port: 8080 });
      const host = await joinStream(agent, order);
      host.send(text("SSH-2.0"));
      await client.hears("SSH-2.0");
      client.close();
      expect((await host.ended()).code).toBe(1000);
    }
  });

  it.each(["port=0", "port=65536", "port=-1", "port=ssh", "port=22&host=10.0.0.1"])(
    "is refused with %s",
    async (asked) => {
      expect((await admin.get(`/vms/${vmId}/tunnel?${asked}`, { Upgrade: "websocket" })).status).toBe(400);
    },
  );

  it("is another tenant's to open as little as their screen", async () => {
    const tenant = await Client.as("user");
    for (const path of ["tunnel?port=22", "tunnel/ticket", "console/vnc", "console/serial"]) {
      expect((await tenant.get(`/vms/${vmId}/${path}`, { Upgrade: "websocket" })).status).toBe(404);
    }
  });
});

describe("a host's dial", () => {
  it("is refused with another ticket, of another host, a second time, and too late", async () => {
    const first = await waiting();
    const { agent: other } = await hosted(admin, "dials");
    expect((await dialStream(agent, `${first.order.streamId}.${"A".repeat(43)}`)).status).toBe(404);
    expect((await dialStream(other, first.order.ticket)).status).toBe(404);
    expect((await dialStream(agent, "nonsense")).status).toBe(404);
    await joinStream(agent, first.order);
    expect((await dialStream(agent, first.order.ticket)).status).toBe(404);

    const second = await waiting(aware);
    await age(second.url, 11_000);
    expect((await dialStream(agent, second.order.ticket)).status).toBe(404);
    await runDurableObjectAlarm(streamOf(second.url));
    expect((await second.client.ended()).code).toBe(1012);
    expect(await second.client.hearsControl("closed")).toMatchObject({ code: "HOST_OFFLINE" });
  });

  it("that never comes leaves the client's first words bounded", async () => {
    const { client } = await waiting();
    for (let sent = 0; sent <= unawareBytes; sent += 1_000_000) client.send(bytes(1_000_000));
    expect(await client.ended()).toMatchObject({ code: 4408 });
  });
});

describe("a stream", () => {
  it("carries bytes both ways between a client and its host", async () => {
    const { client, host, order, response } = await joined();
    expect(order.target).toEqual({ kind: "vnc", vmId, viewOnly: false });
    expect(response.headers.get("Sec-WebSocket-Protocol")).toBeNull();
    host.send(text("RFB 003.008\n"));
    await client.hears("RFB 003.008\n");
    client.send(text("RFB 003.008\n"));
    await host.hears("RFB 003.008\n");
    // As xterm.js sends what is typed.
    client.send("root\n");
    await host.hears("root\n");
    expect(client.controls).toEqual([]);
  });

  it.each([
    [`binary, ${creditProtocol}`, creditProtocol],
    ["binary", "binary"],
    ["base64", null],
  ])("that is offered %s speaks %s", async (offered, spoken) => {
    const { response } = await waiting({ "Sec-WebSocket-Protocol": offered });
    expect(response.headers.get("Sec-WebSocket-Protocol")).toBe(spoken);
  });

  it("closes each direction by itself for a client that grants credit, even before the host is there", async () => {
    const { client, order, url } = await waiting(aware, "tunnel/ticket?port=80");
    client.send(text("question"));
    client.control({ type: "end" });
    await evictDurableObject(streamOf(url));
    const host = await joinStream(agent, order);
    await host.hears("question");
    await host.hearsControl("end");
    host.send(text("answer"));
    host.control({ type: "end" });
    host.control({ type: "closed", code: null, message: null });
    host.close();
    await client.hears("answer");
    expect(await client.ended()).toEqual({ code: 1000, reason: "" });
    expect(client.controls.map(({ type }) => type)).toEqual(["opened", "end", "closed"]);
  });

  it("goes on after the object was evicted from memory", async () => {
    const { url, client, host } = await joined();
    for (const word of ["one", "two", "three"]) {
      await evictDurableObject(streamOf(url));
      host.send(text(`${word} down`));
      await client.hears(`${word} down`);
      await evictDurableObject(streamOf(url));
      client.send(text(`${word} up`));
      await host.hears(`${word} up`);
    }
    expect([client.closed, host.closed]).toEqual([null, null]);
  });

  it("counts on after the object was evicted", async () => {
    const { url, client, host } = await joined(aware);
    for (let sent = maxFrameBytes; sent <= windowBytes; sent += maxFrameBytes) {
      await evictDurableObject(streamOf(url));
      host.send(bytes(maxFrameBytes));
      await until(() => client.bytes === sent, "it came");
    }
    await evictDurableObject(streamOf(url));
    host.send(bytes(1));
    expect(await client.hearsControl("closed")).toMatchObject({ code: "HOST_ERROR" });
  });

  it("ends for the host when the client goes, and for the client when the host does", async () => {
    const first = await joined();
    first.client.close();
    expect((await first.host.ended()).code).toBe(1000);
    const second = await joined(aware);
    second.host.close();
    expect((await second.client.ended()).code).toBe(1012);
    expect(await second.client.hearsControl("closed")).toMatchObject({ code: "STREAM_LOST" });
  });

  it("tells why the host ends it, and no more than a closing frame holds", async () => {
    const { client, host } = await joined();
    host.control({ type: "closed", code: "PORT_CLOSED", message: `\u001b[31m${"é".repeat(400)}` });
    const { code, reason } = await client.ended();
    expect(code).toBe(4404);
    expect(reason).toMatch(/^PORT_CLOSED: {2}\[31mé+$/);
    expect(text(reason).length).toBeLessThanOrEqual(123);
  });

  it("ends when the host half-closes for a client that can't be told otherwise", async () => {
    const { client, host } = await joined();
    host.send(text("all"));
    host.control({ type: "end" });
    await client.hears("all");
    expect((await client.ended()).code).toBe(1000);
  });

  it("ends after half an hour of silence, and not before", async () => {
    const { url, client, host } = await joined(aware);
    await age(url, 29 * 60_000);
    await runDurableObjectAlarm(streamOf(url));
    host.send(text("still here"));
    await client.hears("still here");
    await age(url, 30 * 60_000);
    await runDurableObjectAlarm(streamOf(url));
    expect(await client.hearsControl("closed")).toMatchObject({ code: "STREAM_IDLE" });
    await host.ended();
  });

  it("ends when the user's rights do, and counts among their connections until then", async () => {
    const { agent: hers, id } = await hosted(admin, "rights", "running");
    const user = await Client.as("user");
    await drizzle(env.DB).update(vms).set({ ownerId: user.id }).where(eq(vms.id, id));
    const open: StreamPeer[] = [];
    for (let n = 0; n < 10; n++) {
      const { body } = await user.get(`/vms/${id}/console/vnc`);
      open.push(peer(await connect(body.data.url)));
    }
    const { body } = await user.get(`/vms/${id}/console/vnc`);
    const eleventh = await connect(body.data.url);
    expect(eleventh.status).toBe(429);
    expect(await eleventh.json()).toMatchObject({ error: { code: "TOO_MANY_CONNECTIONS" } });
    open[0]?.close();
    await until(async () => {
      const again = await user.get(`/vms/${id}/console/vnc`);
      const answer = await connect(again.body.data.url);
      if (answer.webSocket) open.push(peer(answer));
      return answer.webSocket !== null;
    }, "there is room again");
    expect((await admin.request("PATCH", `/users/${user.id}`, { status: "disabled" })).status).toBe(200);
    for (const peer of open.slice(1)) expect((await peer.ended()).code).toBe(4401);
    hers.close();
  });
});

describe("credit", () => {
  it("of a client goes to the host, and of the host to a client that understands it", async () => {
    const { client, host } = await joined(aware);
    client.control({ type: "credit", bytes: 1000 });
    expect(await host.hearsControl("credit")).toEqual({ type: "credit", bytes: 1000 });
    host.control({ type: "credit", bytes: 2000 });
    expect(await client.hearsControl("credit")).toEqual({ type: "credit", bytes: 2000 });
  });

  it("that a client has not granted is not sent: the host gets no more by the edge", async () => {
    const { client, host } = await joined(aware);
    for (let sent = 0; sent < windowBytes; sent += maxFrameBytes) host.send(bytes(maxFrameBytes));
    await until(() => client.bytes === windowBytes, "all of it came");
    expect(host.controls).toEqual([]);
  });

  it("is granted by the edge for a client that knows nothing of it, as long as that gives signs of life", async () => {
    const { client, host } = await joined();
    let granted = windowBytes;
    let sent = 0;
    const total = 2 * unawareBytes;
    while (sent < total) {
      granted = windowBytes + host.controls.reduce((sum, it) => sum + (it.type === "credit" ? it.bytes : 0), 0);
      if (sent + maxFrameBytes > granted) await scheduler.wait(1);
      else {
        host.send(bytes(maxFrameBytes));
        sent += maxFrameBytes;
        if (sent % (32 * maxFrameBytes) === 0) {
          client.send(bytes(1));
          await until(() => host.bytes === sent / (32 * maxFrameBytes), "the sign has arrived");
        }
      }
    }
    await until(() => client.bytes === total, "all of it came");
    expect(client.closed).toBeNull();
  });

  it("ends for a client that gives no sign of life", async () => {
    const { client, host } = await joined();
    let sent = 0;
    const granted = () =>
      windowBytes + host.controls.reduce((sum, it) => sum + (it.type === "credit" ? it.bytes : 0), 0);
    while (sent <= unawareBytes) {
      await until(() => granted() >= sent + maxFrameBytes, "there is credit");
      host.send(bytes(maxFrameBytes));
      sent += maxFrameBytes;
    }
    expect((await client.ended()).code).toBe(4408);
    expect(client.bytes).toBeLessThanOrEqual(unawareBytes);
    await host.ended();
  });

  it("holds for what a client sends: an aware one keeps to it, any other is cut off when far ahead", async () => {
    const strict = await joined(aware);
    for (let sent = 0; sent <= windowBytes; sent += maxFrameBytes) strict.client.send(bytes(maxFrameBytes));
    expect((await strict.client.ended()).code).toBe(4400);
    const lax = await joined();
    lax.client.send(bytes(unawareBytes));
    await until(() => lax.host.bytes === unawareBytes, "it may be ahead");
    expect(lax.host.greatestFrame).toBe(maxFrameBytes);
    lax.client.send(bytes(windowBytes + 1));
    expect((await lax.client.ended()).code).toBe(4408);
  });
});

describe("what is not of the protocol", () => {
  it.each([
    ["text that is no JSON", "{"],
    ["an unknown message", '{"type":"please"}'],
    ["a host's message", '{"type":"opened","writable":true}'],
    ["credit without an end", '{"type":"credit","bytes":16777216}'],
    ["negative columns", '{"type":"resize","cols":-1,"rows":1}'],
  ])("ends a stream and no other: %s from a client", async (_what, message) => {
    const [bad, good] = [await joined(aware), await joined()];
    bad.client.send(message);
    expect((await bad.client.ended()).code).toBe(4400);
    await bad.host.ended();
    good.host.send(text("undisturbed"));
    await good.client.hears("undisturbed");
  });

  it.each([
    ["a frame that is too large", bytes(maxFrameBytes + 1)],
    ["a client's message", '{"type":"take-over"}'],
    ["text that is no JSON", "{"],
  ])("ends a stream: %s from a host", async (_what, message) => {
    const { client, host } = await joined();
    host.send(message);
    expect((await client.ended()).code).toBe(1011);
    await host.ended();
  });
});
