/** Who may speak for a host: clones, old keys and sessions that are over. */
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { sweep } from "../../api/sweep.ts";
import { dial, type FakeAgent, hosted, linkToken, newKey, report, until } from "./agent.ts";
import { machine } from "./client.ts";
import {
  admin,
  agent,
  auditOf,
  changes,
  closed,
  count,
  host,
  isHost,
  link,
  operation,
  turnTo,
  vm,
} from "./one-host.ts";

const bindings = env as unknown as Env;

/** Two agents that replace each other until the edge has had enough. */
async function cloned(): Promise<FakeAgent> {
  const twin = agent.twin();
  for (let turn = 0; (await host()).status !== "quarantined"; turn++) {
    expect(turn).toBeLessThan(6);
    const who = turn % 2 === 0 ? agent : twin;
    await who.open();
    await until(() => who.frames.length > 0 || who.closedWith !== null, "it is answered");
  }
  return twin;
}

describe("two agents with one key", () => {
  it("are a clone at the third replacement: both are shut out, and the reason is logged and audited", async () => {
    const twin = await cloned();
    await closed(agent);
    await closed(twin);
    expect([agent.closedWith, twin.closedWith]).toEqual([4423, 4423]);
    expect(await host()).toMatchObject({ status: "quarantined", statusReason: expect.stringContaining("Two agents") });
    expect(await auditOf("HOST_QUARANTINED")).toMatchObject([{ credential: { type: "host", id: agent.hostId } }]);
    const { body } = await admin.get("/logs?source=host&level=error");
    expect(body.data.logs[0].message).toContain(`host-${count}`);
  });

  it("get no operations and no new machines until an administrator has decided", async () => {
    const { agent: single, id } = await hosted(admin, `frozen-${count}`);
    turnTo(single);
    await cloned();
    const { body } = await admin.post(`/vms/${id}/start`);
    expect(body.data.waitingFor).toMatchObject({ reason: "HOST_QUARANTINED", hostId: agent.hostId });
    const refused = await admin.post("/vms", machine("nowhere", { hostId: agent.hostId }));
    expect(refused.body.error.code).toBe("HOST_OFFLINE");
    await agent.open();
    await closed(agent);
    expect(agent.closedWith).toBe(4423);
    expect((await host()).status).toBe("quarantined");

    const released = await admin.post(`/hosts/${agent.hostId}/release`);
    expect(released).toMatchObject({ status: 200, body: { data: { status: "offline", statusReason: null } } });
    expect((await admin.post(`/hosts/${agent.hostId}/release`)).body.error.code).toBe("HOST_NOT_QUARANTINED");
    await agent.connect([report(id, "stopped")]);
    expect(await agent.heard("execute")).toMatchObject({ operationId: body.data.id, kind: "vm.start" });
  });

  it("end as one when the host enrols again", async () => {
    const twin = await cloned();
    const renewed = await agent.enrolAgain(admin);
    await isHost("offline");
    await renewed.connect();
    await isHost("online");
    await expect(twin.open()).rejects.toThrow("401");
  });

  it("are no clone where an agent alone comes back often", async () => {
    for (let round = 0; round < 6; round++) {
      await agent.connect();
      agent.close();
      await isHost("offline");
    }
    await agent.connect();
    expect((await host()).status).toBe("online");
  });
});

describe("an old key", () => {
  it("is shut out with 4403 when the host enrols again, in mid-operation, and the operation is nobody's to repeat", async () => {
    await agent.connect();
    const { body } = await admin.post("/vms", machine(`rekeyed-${count}`, { hostId: agent.hostId }));
    const order = await agent.heard("execute");
    const renewed = await agent.enrolAgain(admin);
    await closed(agent);
    expect(agent.closedWith).toBe(4403);
    renewed.journalId = "journal-2";
    await renewed.connect();
    await until(async () => (await operation(order.operationId)).status === "unknown", "unknown");
    expect(renewed.frames.filter(({ type }) => type === "execute")).toEqual([]);
    expect((await vm(body.data.id)).operation).toBeNull();
  });

  it("that enrols with the same key again keeps its session", async () => {
    await agent.connect();
    await link().revoke(agent.hostId, 1);
    agent.ping();
    await until(() => agent.pongs > 0, "it still answers");
    expect((await host()).status).toBe("online");
  });

  it("is shut out by the sweep where the object could not be told", async () => {
    await agent.connect();
    await env.DB.prepare("INSERT INTO revocations VALUES (?, 2, '2026-01-01')").bind(agent.hostId).run();
    await sweep(bindings);
    await closed(agent);
    expect(agent.closedWith).toBe(4403);
    expect((await env.DB.prepare("SELECT * FROM revocations").all()).results).toEqual([]);
  });

  it("of a host that was deleted while its object was away is shut out by the sweep, and dials get 401", async () => {
    await agent.connect();
    await env.DB.prepare("INSERT INTO revocations VALUES (?, NULL, '2026-01-01')").bind(agent.hostId).run();
    await env.DB.prepare("DELETE FROM hosts WHERE id = ?").bind(agent.hostId).run();
    await sweep(bindings);
    await closed(agent);
    expect(agent.closedWith).toBe(4403);
    expect((await dial(await linkToken(agent.hostId, await newKey()))).status).toBe(401);
  });
});

describe("a session that is over", () => {
  it("writes nothing into D1, whatever it repeats", async () => {
    const { agent: first, id } = await hosted(admin, `stale-${count}`);
    turnTo(first);
    const stale = first.epoch;
    const second = first.twin();
    await second.connect([report(id, "running")]);
    await until(async () => (await vm(id)).status === "running", "the new session's word counts");
    second.epoch = stale;
    second.send({ type: "report", vms: [report(id, "paused")], operations: [], last: true });
    second.send({ type: "event", sequence: 9, event: "vm.crashed", vm: report(id, "stopped"), message: "" });
    second.epoch = stale + 1;
    second.send({ type: "event", sequence: 1, event: "vm.recovered", vm: report(id, "running"), message: "" });
    await second.heard("event-ack");
    expect((await vm(id)).status).toBe("running");
    // What an object of before the last session would still project.
    await env.DB.prepare("UPDATE hosts SET epoch = epoch + 5 WHERE id = ?").bind(first.hostId).run();
    second.close();
    await until(async () => (await changes()) === 0, "it is told");
    expect((await host()).status).toBe("online");
  });
});
