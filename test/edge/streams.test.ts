/** Streams at the edge: tickets, pairing, credit and what ends them, with an agent at the far end of real sockets. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { drizzle } from "drizzle-orm/d1";
import { eq } from "drizzle-orm";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { audit, users } from "../../db/schema.ts";
import { creditProtocol, streamLimits } from "../../protocol/streams.ts";
import { FakeAgent, hosted, report, until } from "./agent.ts";
import { Client } from "./client.ts";
import { connect, dialStream, joinStream, StreamPeer } from "./stream-host.ts";

const bindings = env as unknown as Env;
const { windowBytes, unawareBytes, maxFrameBytes } = streamLimits;
const aware = { "Sec-WebSocket-Protocol": creditProtocol };

let admin: Client;
let agent: FakeAgent;
let vmId: string;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
  ({ agent, id: vmId } = await hosted(admin, "streams", "running"));
});

const streamOf = (url: string) => bindings.CONSOLE_STREAM.getByName(new URL(url).pathname.split("/").at(-1) ?? "");

async function ticket(path = "console/vnc", client = admin): Promise<string> {
  const { status, body } = await client.get(`/vms/${vmId}/${path}`);
  expect(status).toBe(200);
  return body.data.url as string;
}

/** A client and its host, joined. */
async function joined(protocol: Record<string, string> = {}, path = "console/vnc") {
  const url = await ticket(path);
  const orders = agent.frames.filter(({ type }) => type === "open-stream").length;
  const response = await connect(url, protocol);
  if (!response.webSocket) throw new Error(`${response.status}: ${await response.text()}`);
  const client = new StreamPeer(response.webSocket);
  const { order } = await agent.heard("open-stream", orders);
  const host = await joinStream(agent, order);
  return { url, client, host, order, response };
}

describe("a stream", () => {
  it("carries bytes both ways between a client and its host", async () => {
    const { client, host, order, response } = await joined();
    expect(order.target).toEqual({ kind: "vnc", vmId, viewOnly: false });
    expect(response.headers.get("Sec-WebSocket-Protocol")).toBeNull();
    host.send(new TextEncoder().encode("RFB 003.008\n"));
    await client.hears("RFB 003.008\n");
    client.send(new TextEncoder().encode("RFB 003.008\n"));
    await host.hears("RFB 003.008\n");
    expect(client.controls).toEqual([]);
  });

  it("closes each direction by itself for a client that grants credit, even before the host is there", async () => {
    const orders = agent.frames.filter(({ type }) => type === "open-stream").length;
    const { webSocket } = await connect(await ticket("tunnel/ticket?port=80"), aware);
    const client = new StreamPeer(webSocket as WebSocket);
    client.send(new TextEncoder().encode("question"));
    client.control({ type: "end" });
    const { order } = await agent.heard("open-stream", orders);
    await evictDurableObject(bindings.CONSOLE_STREAM.getByName(order.streamId));
    const host = await joinStream(agent, order);
    await host.hears("question");
    await host.hearsControl("end");
    host.send(new TextEncoder().encode("answer"));
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
      host.send(new TextEncoder().encode(`${word} down`));
      await client.hears(`${word} down`);
      await evictDurableObject(streamOf(url));
      client.send(new TextEncoder().encode(`${word} up`));
      await host.hears(`${word} up`);
    }
  });
});
