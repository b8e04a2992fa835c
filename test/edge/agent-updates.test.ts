/** Joining by the installer, and telling agents to become the edge's version: one by one, or a few at a time. */
import { createExecutionContext, env, SELF } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { rollOut } from "../../api/agent-updates.ts";
import { app } from "../../api/app.ts";
import type { Env } from "../../api/env.ts";
import { sweep } from "../../api/sweep.ts";
import { FakeAgent, hosted, until } from "./agent.ts";
import { Client } from "./client.ts";

const bindings = env as unknown as Env;
let admin: Client;
let count = 0;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
});

const host = async ({ hostId }: FakeAgent) => (await admin.get(`/hosts/${hostId}`)).body.data;
const upgrade = ({ hostId }: FakeAgent) => admin.post(`/hosts/${hostId}/upgrade`, {});
const told = ({ frames }: FakeAgent) => frames.filter(({ type }) => type === "update").length;

/** Connected, of an older version, and installed from the edge. */
async function olderAgent(): Promise<FakeAgent> {
  const agent = await FakeAgent.enrolled(admin, `host-${++count}`);
  Object.assign(agent, { version: "0.0.9", features: ["update"] });
  await agent.connect();
  return agent;
}

describe("install.sh", () => {
  it("is a script with the edge's own address in it, and the command of a new host runs it", async () => {
    const response = await SELF.fetch("http://edge.test/install.sh");
    expect(response.headers.get("Content-Type")).toBe("text/x-shellscript; charset=utf-8");
    const script = await response.text();
    expect(script).toContain("edge='http://edge.test'\n");
    expect(script).not.toContain("@EDGE@");
    const { enrolment } = (await admin.post("/hosts", { name: "to-install" })).body.data;
    expect(enrolment.command).toBe(`curl -fsSL http://edge.test/install.sh | sudo sh -s -- ${enrolment.token}`);
  });

  it("is not made for a host name that a shell would take apart", async () => {
    const response = await app.fetch(new Request("http://edge;id.test/install.sh"), bindings, createExecutionContext());
    expect(response.status).toBe(400);
    await response.body?.cancel();
  });
});

describe("the release", () => {
  const fetchFile = (path: string) =>
    app.fetch(new Request(`http://edge.test/release/${path}`), bindings, createExecutionContext());

  it("is given by the Worker too, where nothing before it gives assets", async () => {
    const response = await fetchFile("manifest");
    const manifest = await response.text();
    expect(manifest).toMatch(/^voidvm-release 1\n/);
    const [, path = ""] = /^piece \S+ \d+ (\S+)$/m.exec(manifest) ?? [];
    const piece = await fetchFile(path);
    expect(piece.status).toBe(200);
    // A fleet that updates at once, behind one address, is not limited.
    expect(piece.headers.has("RateLimit-Limit")).toBe(false);
    await piece.body?.cancel();
  });

  it("has nothing beside its own files", async () => {
    const response = await fetchFile("nothing");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "NOT_FOUND" } });
  });
});

describe("the protocol", () => {
  it("is spoken in version 1, and nothing that version 1 doesn't know is said then", async () => {
    const agent = await FakeAgent.enrolled(admin, "of-version-1");
    agent.protocol = { lowest: 1, highest: 1 };
    await agent.connect();
    const welcome = await agent.heard("welcome");
    expect(Object.keys(welcome).toSorted()).toEqual([
      "deadMs",
      "epoch",
      "hostId",
      "pingIntervalMs",
      "protocol",
      "type",
    ]);
    expect(welcome.protocol).toBe(1);
  });

  it("names the edge's version from version 2 on", async () => {
    const agent = await olderAgent();
    expect(await agent.heard("welcome")).toMatchObject({ protocol: 2, edgeVersion: "0.1.0" });
  });

  it.each([
    [3, 4],
    [-1, 0],
  ])("of %i to %i is turned away with advice", async (lowest, highest) => {
    const agent = await FakeAgent.enrolled(admin, `turned-away-${highest}`);
    agent.protocol = { lowest, highest };
    await agent.open();
    await until(() => agent.closedWith !== null, "it is turned away");
    expect(agent.closedWith).toBe(4426);
  });
});

describe("an upgrade", () => {
  let agent: FakeAgent;
  beforeEach(async () => {
    agent = await olderAgent();
  });

  it("is an order to the agent, and over when the agent comes back as that version", async () => {
    const { status, body } = await upgrade(agent);
    expect(status).toBe(202);
    expect(body.data.agentUpdate).toMatchObject({ version: "0.1.0", error: null });
    expect((await agent.heard("update")).version).toBe("0.1.0");
    agent.version = "0.1.0";
    await agent.connect();
    await until(async () => (await host(agent)).agentUpdate === null, "it is over");
    expect(await host(agent)).toMatchObject({ agentVersion: "0.1.0", updatable: true });
    await upgrade(agent);
    expect(told(agent)).toBe(0);
  });

  it("that fails is shown at the host, logged as an error, and tried again by a new order", async () => {
    await upgrade(agent);
    await agent.heard("update");
    agent.send({ type: "update-failed", version: "0.1.0", reason: "it did not connect" });
    await until(async () => (await host(agent)).agentUpdate.error === "it did not connect", "it is shown");
    const { logs } = (await admin.get("/logs?level=error&limit=100")).body.data;
    const name = (await host(agent)).name;
    expect(logs.map((entry: { message: string }) => entry.message)).toContain(
      `The agent did not become 0.1.0 on ${name}: it did not connect`,
    );
    expect((await upgrade(agent)).body.data.agentUpdate.error).toBeNull();
    await agent.heard("update", 1);
  });

  it("is refused for a host that is away, and for an agent that does not update itself", async () => {
    agent.close();
    await until(async () => (await host(agent)).status === "offline", "it is away");
    expect(await upgrade(agent)).toMatchObject({ status: 503, body: { error: { code: "HOST_OFFLINE" } } });
    agent.features = [];
    await agent.connect();
    expect(await upgrade(agent)).toMatchObject({ status: 409, body: { error: { code: "HOST_NOT_UPDATABLE" } } });
    expect(await host(agent)).toMatchObject({ updatable: false, agentUpdate: null });
  });
});

describe("the roll-out", () => {
  const step = () => rollOut(bindings, Date.now());

  it("tells nobody while it is not switched on", async () => {
    const agent = await olderAgent();
    await sweep(bindings);
    expect(told(agent)).toBe(0);
    agent.close();
  });

  it("tells a few at a time, passes over busy hosts, and stops at the first that fails", async () => {
    // Of other tests, and of versions that this roll-out must not wait for.
    const { hosts } = (await admin.get("/hosts?limit=100")).body.data;
    await Promise.all(hosts.map(({ id }: { id: string }) => admin.request("DELETE", `/hosts/${id}?force=true`)));
    await admin.request("PUT", "/config", { agents: { autoUpdate: true, updatesAtOnce: 2 } });
    const { agent: busy, id } = await hosted(admin, "busy");
    Object.assign(busy, { version: "0.0.9", features: ["update"] });
    await busy.connect();
    await admin.post(`/vms/${id}/start`, {});
    await busy.heard("execute");
    const agents = [await olderAgent(), await olderAgent(), await olderAgent()];

    await step();
    await until(() => agents.filter((agent) => told(agent) === 1).length === 2, "two are told");
    await step();
    expect(agents.filter((agent) => told(agent) === 1)).toHaveLength(2);
    expect(told(busy)).toBe(0);

    const [first, second] = agents.filter((agent) => told(agent) === 1) as [FakeAgent, FakeAgent];
    const last = agents.find((agent) => told(agent) === 0) as FakeAgent;
    first.version = "0.1.0";
    await first.connect();
    await until(async () => (await host(first)).agentUpdate === null, "the first is there");
    second.send({ type: "update-failed", version: "0.1.0", reason: "it hangs" });
    await until(async () => (await host(second)).agentUpdate.error !== null, "the second has failed");
    await step();
    expect(told(last)).toBe(0);
    await admin.request("PUT", "/config", { agents: { autoUpdate: false } });
  });
});
