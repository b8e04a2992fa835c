/** Who may speak for a host, what the edge makes of machines that it doesn't know, and what an idle host costs. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { idleCost } from "../../api/objects/idle-cost.ts";
import type { HostLink } from "../../api/objects/host-link.ts";
import { sweep } from "../../api/sweep.ts";
import { linkLimits } from "../../protocol/agent-link.ts";
import { dial, FakeAgent, hosted, linkToken, newKey, report, until } from "./agent.ts";
import { Client, machine } from "./client.ts";

const bindings = env as unknown as Env;
let admin: Client;
let agent: FakeAgent;
let count = 0;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
});
beforeEach(async () => {
  agent = await FakeAgent.enrolled(admin, `fenced-${++count}`);
});

const link = () => bindings.HOST_LINK.getByName(agent.hostId);
const host = async () => (await admin.get(`/hosts/${agent.hostId}`)).body.data;
const vm = async (id: string) => (await admin.get(`/vms/${id}`)).body.data;
const operation = async (id: string) => (await admin.get(`/operations/${id}`)).body.data;
const auditOf = async (code: string) => {
  const { body } = await admin.get("/audit?limit=100");
  return body.data.entries.filter((entry: { code: string }) => entry.code === code);
};
const closed = (who: FakeAgent) => until(() => who.closedWith !== null, "the socket is closed");
const isHost = (status: string) => until(async () => (await host()).status === status, `the host is ${status}`);

function specOf(id: string) {
  const tail = id.slice(-6).split("");
  const hex = tail.map((letter) => (letter.charCodeAt(0) % 16).toString(16)).join("");
  return {
    ...{ cpu: 2, memory: 512, disk: 3, network: "user", autostart: true },
    image: { id: "img-tiny", source: { from: "tiny" } },
    macAddress: `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`,
    uuid: crypto.randomUUID(),
  };
}
const vmId = (tail: string) => `vm-${tail.padStart(26, "0")}`;

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
    expect(body.data.logs[0].message).toContain(`fenced-${count}`);
  });

  it("get no operations and no new machines until an administrator has decided", async () => {
    const { agent: single, id } = await hosted(admin, `frozen-${count}`);
    agent = single;
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
    agent = first;
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
    await until(async () => runInDurableObject(link(), (_: HostLink, state) => changesOf(state) === 0), "it is told");
    expect((await host()).status).toBe("online");
  });
});

const changesOf = (state: DurableObjectState) =>
  state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM change").one().n;

describe("a machine that D1 doesn't know", () => {
  const answerDescriptions = () => {
    agent.features = ["describe", "samples", "streams"];
    const asked: string[] = [];
    agent.onDescribe = ({ vmIds }) => {
      asked.push(...vmIds);
      agent.send({ type: "described", vms: vmIds.map((id) => ({ vm: report(id, "running"), spec: specOf(id) })) });
    };
    return asked;
  };

  it("is taken in as an administrator's, with a mark, once, and can be managed", async () => {
    const asked = answerDescriptions();
    const id = vmId("abcdef");
    await agent.connect([report(id, "running")]);
    await until(async () => (await admin.get(`/vms/${id}`)).status === 200, "it is taken in");
    expect(await vm(id)).toMatchObject({
      ...{ status: "running", cpu: 2, memory: 512, disk: 3, image: "img-tiny", autostart: true },
      ...{ hostId: agent.hostId, labels: { "voidvm/adopted": expect.any(String) } },
    });
    await agent.connect([report(id, "running")]);
    await agent.heard("sync");
    expect(asked).toEqual([id]);
    const { body } = await admin.get(`/logs?vmId=${id}`);
    expect(body.data.logs).toHaveLength(1);
    expect((await admin.post(`/vms/${id}/pause`)).status).toBe(202);
    expect(await agent.heard("execute")).toMatchObject({ kind: "vm.pause", vmId: id });
  });

  it("is one of many: they come in pages, and what the host didn't report it can't bring in", async () => {
    const asked = answerDescriptions();
    const ids = Array.from({ length: 230 }, (_, index) => vmId(`9${index.toString().padStart(6, "0")}`));
    await agent.connect(ids.map((id) => report(id, "stopped")));
    await until(() => asked.length === 230, "all are asked for");
    agent.send({ type: "described", vms: [{ vm: report(vmId("evil"), "running"), spec: specOf(vmId("evil")) }] });
    const counted = async () => (await host()).allocated.vms;
    await until(async () => (await counted()) > 0, "they are taken in");
    expect((await admin.get(`/vms/${vmId("evil")}`)).status).toBe(404);
  });

  it("is left alone where the agent is too old to say what it is", async () => {
    await agent.connect([report(vmId("77777"), "running")]);
    await agent.heard("sync");
    expect(agent.frames.filter(({ type }) => type === "describe")).toEqual([]);
    expect((await admin.get(`/vms/${vmId("77777")}`)).status).toBe(404);
  });

  it("or rather knows as another host's is dropped and audited", async () => {
    const { id } = await hosted(admin, `victim-${count}`, "running");
    answerDescriptions();
    await agent.connect([report(id, "stopped")]);
    await until(async () => (await auditOf("FOREIGN_VM")).length > 0, "it is audited");
    await agent.connect([report(id, "stopped")]);
    const entries = await auditOf("FOREIGN_VM");
    expect(entries).toMatchObject([{ credential: { type: "host", id: agent.hostId }, result: "refused" }]);
    expect(entries[0].path).toContain(id);
    expect((await vm(id)).status).toBe("running");
  });

  it("counts up to ten thousand a host", async () => {
    await agent.open();
    await agent.heard("welcome");
    const id = (n: number) => vmId(`8${n.toString().padStart(6, "0")}`);
    for (let page = 0; page < 21; page++) {
      const ids = Array.from({ length: 500 }, (_, index) => id(page * 500 + index));
      agent.send({ type: "report", vms: ids.map((one) => report(one, "stopped")), operations: [], last: page === 20 });
    }
    await agent.heard("sync");
    const reported = await runInDurableObject(
      link(),
      (_: HostLink, state) =>
        state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM reported WHERE kind = 'vm'").one().n,
    );
    expect(reported).toBe(linkLimits.maxVmsPerHost);
  });
});

describe("an operation that waits", () => {
  it("says what for, in the reader's language, and until when", async () => {
    const { agent: own, id } = await hosted(admin, `waits-${count}`);
    agent = own;
    const start = (await admin.post(`/vms/${id}/start`)).body.data;
    expect(start.waitingFor).toMatchObject({ reason: "DELIVERY", operationId: null });
    const pause = (await admin.post(`/vms/${id}/pause`)).body.data;
    expect(pause.waitingFor).toMatchObject({ reason: "QUEUED_BEHIND", operationId: start.id });
    const lifeMs = Date.parse(pause.waitingFor.expiresAt) - Date.parse(pause.createdAt);
    expect(lifeMs).toBe(linkLimits.deliveryDeadlineMs);
    agent.close();
    await isHost("offline");
    expect((await operation(pause.id)).waitingFor).toMatchObject({ reason: "HOST_OFFLINE", hostId: agent.hostId });
    const zh = await admin.get(`/operations/${pause.id}`, { "Accept-Language": "zh" });
    expect(zh.body.data.waitingFor.message).toContain("主机离线");
    const { body } = await admin.get(`/operations?vmId=${id}&status=queued`);
    expect(body.data.operations.map((one: { waitingFor: object }) => one.waitingFor)).toMatchObject([
      { reason: "HOST_OFFLINE" },
      { reason: "HOST_OFFLINE" },
    ]);
    expect((await vm(id)).operation.waitingFor).toMatchObject({ reason: "HOST_OFFLINE" });
  });

  it("expires after its time, each in its turn; what the host had accepted tells its end when it is back", async () => {
    const { agent: own, id } = await hosted(admin, `partition-${count}`);
    agent = own;
    const accepted = (await admin.post(`/vms/${id}/start`)).body.data.id;
    const order = await agent.heard("execute", 1);
    agent.send({ type: "accept", operationId: accepted });
    await until(async () => (await operation(accepted)).status === "running", "accepted");
    agent.close();
    await isHost("offline");
    const kinds = ["pause", "resume", "stop", "start", "reset"];
    const waiting: string[] = [];
    for (const action of kinds) waiting.push((await admin.post(`/vms/${id}/${action}`)).body.data.id);
    await link().wake(agent.hostId);
    await runInDurableObject(link(), (_: HostLink, state) => {
      state.storage.sql.exec("UPDATE operation SET deadline_at = deadline_at - 86400000 WHERE state = 'waiting'");
    });
    await runDurableObjectAlarm(link());
    for (const one of waiting) {
      expect(await operation(one)).toMatchObject({ status: "failed", error: { code: "OPERATION_EXPIRED" } });
    }
    const { body } = await admin.get(`/operations?vmId=${id}&status=failed&sort=createdAt`);
    const ends = body.data.operations.map((one: { id: string }) => one.id);
    expect(ends).toEqual(waiting);
    await agent.connect([report(id, "running")], [{ operationId: accepted, vmId: id, state: "done" }]);
    agent.done(order, report(id, "running"));
    await until(async () => (await operation(accepted)).status === "succeeded", "it tells its end");
    expect((await vm(id)).status).toBe("running");
  });
});

describe("silence", () => {
  const setHeard = (ago: number) =>
    runInDurableObject(link(), (_: HostLink, state) => {
      for (const socket of state.getWebSockets()) {
        const attachment = socket.deserializeAttachment() as object;
        socket.serializeAttachment({ ...attachment, openedAt: Date.now() - ago });
      }
    });
  const alarmAt = () => runInDurableObject(link(), (_: HostLink, state) => state.storage.getAlarm());

  it("that the sweep finds early gets an alarm at the moment at which it counts, 90 s after the last word", async () => {
    await agent.connect();
    await isHost("online");
    expect(await alarmAt()).toBeNull();
    await setHeard(20_000);
    await sweep(bindings);
    expect(await alarmAt()).toBeNull();
    await setHeard(31_000);
    await sweep(bindings);
    const at = (await alarmAt()) as number;
    expect(Math.abs(at - (Date.now() + 59_000))).toBeLessThan(5_000);
    expect((await host()).status).toBe("online");
  });

  it("of 90 s takes the host offline and closes the socket, so that an agent which is back dials again", async () => {
    await agent.connect();
    await isHost("online");
    await setHeard(91_000);
    await sweep(bindings);
    await isHost("offline");
    await closed(agent);
    expect(agent.closedWith).toBe(1012);
    await agent.connect();
    await isHost("online");
  });

  it("is broken by a ping that the runtime answers", async () => {
    await agent.connect();
    await setHeard(91_000);
    agent.ping();
    await until(() => agent.pongs > 0, "answered");
    await sweep(bindings);
    expect((await host()).status).toBe("online");
  });

  it("of an object whose socket the runtime took ends after the time that an agent has to come back", async () => {
    await agent.connect();
    await isHost("online");
    await runInDurableObject(link(), (_: HostLink, state) => {
      const [row] = state.storage.sql.exec<{ value: string }>("SELECT value FROM session");
      state.storage.sql.exec(
        "UPDATE session SET value = ?",
        JSON.stringify({ ...JSON.parse(row?.value ?? ""), epoch: 900, socketGoneAt: Date.now() - linkLimits.returnMs }),
      );
    });
    await evictDurableObject(link());
    await sweep(bindings);
    await isHost("offline");
    expect(await alarmAt()).toBeNull();
  });
});

describe("an alarm that is dead after its retries", () => {
  it("is armed again by the sweep, and D1 comes in line", async () => {
    const { agent: own, id } = await hosted(admin, `dead-alarm-${count}`);
    agent = own;
    const { body } = await admin.post(`/vms/${id}/start`);
    const order = await agent.heard("execute", 1);
    await env.DB.prepare("ALTER TABLE operations RENAME TO hidden").run();
    agent.done(order, report(id, "running"));
    await agent.heard("done-ack", 1);
    await until(async () => (await runInDurableObject(link(), (_: HostLink, state) => changesOf(state))) > 0, "kept");
    await runInDurableObject(link(), (_: HostLink, state) => state.storage.deleteAlarm());
    await env.DB.prepare("ALTER TABLE hidden RENAME TO operations").run();
    await sweep(bindings);
    expect(await operation(body.data.id)).toMatchObject({ status: "succeeded" });
  });
});

describe("an idle host", () => {
  it("costs less than a cent a month: one call a minute, no alarm, no row written", async () => {
    await agent.connect();
    await isHost("online");
    const before = await counts();
    for (let minute = 0; minute < 3; minute++) {
      agent.ping();
      await until(() => agent.pongs > minute, "answered");
      await sweep(bindings);
    }
    const after = await counts();
    const scans = await runInDurableObject(link(), (_: HostLink, state) =>
      ["state = 'ended' AND ended_at < 1", "state <> 'ended' AND state = 'waiting'", "state <> 'ended' ORDER BY seq"]
        .flatMap((where) => [
          ...state.storage.sql.exec<{ detail: string }>(`EXPLAIN QUERY PLAN SELECT * FROM operation WHERE ${where}`),
        ])
        .filter(({ detail }) => !detail.includes("USING INDEX")),
    );
    expect(scans).toEqual([]);
    expect(after).toEqual({ ...before, alarm: null });
    const month = idleCost({ calls: 1, alarms: 0, messages: 0, rowsWritten: 0, rowsRead: 20, busyMs: 10 });
    expect(month.dollars).toBeLessThan(0.01);
  });

  it("lets its object hibernate while the runtime answers its pings", async () => {
    await agent.connect();
    await isHost("online");
    await runInDurableObject(link(), (instance: HostLink) => void Object.assign(instance, { onTheHeap: true }));
    const isGone = async () => {
      agent.ping();
      return runInDurableObject(link(), (instance: HostLink) => !("onTheHeap" in instance));
    };
    // Looking wakes it: so rarely that it can fall asleep in between.
    await until(
      async () => {
        for (let second = 0; second < 13; second++) {
          agent.ping();
          await scheduler.wait(1_000);
        }
        return isGone();
      },
      "the heap is gone",
      60_000,
    );
    expect(agent.closedWith).toBeNull();
    expect(agent.pongs).toBeGreaterThan(10);
    expect((await host()).status).toBe("online");
  }, 90_000);
});

/** What an object has written, as far as it shows. */
function counts() {
  return runInDurableObject(link(), async (_: HostLink, state) => ({
    size: state.storage.sql.databaseSize,
    session: [...state.storage.sql.exec("SELECT * FROM session")],
    operations: [...state.storage.sql.exec("SELECT * FROM operation")],
    changes: changesOf(state),
    alarm: await state.storage.getAlarm(),
  }));
}
