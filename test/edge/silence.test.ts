/** A host that is silent: what waits for it, when it counts as gone, and what it costs while nothing happens. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { idleCost } from "../../api/objects/idle-cost.ts";
import type { HostLink } from "../../api/objects/host-link.ts";
import { sweep } from "../../api/sweep.ts";
import { linkLimits } from "../../protocol/agent-link.ts";
import { hosted, report, until } from "./agent.ts";
import { admin, agent, changes, closed, count, host, isHost, link, operation, turnTo, vm } from "./one-host.ts";

const bindings = env as unknown as Env;

describe("an operation that waits", () => {
  it("says what for, in the reader's language, and until when", async () => {
    const { agent: own, id } = await hosted(admin, `waits-${count}`);
    turnTo(own);
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
    turnTo(own);
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
    expect(Math.abs(at - (Date.now() + 59_000))).toBeLessThan(20_000);
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
    turnTo(own);
    const { body } = await admin.post(`/vms/${id}/start`);
    const order = await agent.heard("execute", 1);
    await env.DB.prepare("ALTER TABLE operations RENAME TO hidden").run();
    agent.done(order, report(id, "running"));
    await agent.heard("done-ack", 1);
    await until(async () => (await changes()) > 0, "kept");
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
async function counts() {
  const written = await runInDurableObject(link(), async (_: HostLink, state) => ({
    size: state.storage.sql.databaseSize,
    session: [...state.storage.sql.exec("SELECT * FROM session")],
    operations: [...state.storage.sql.exec("SELECT * FROM operation")],
    alarm: await state.storage.getAlarm(),
  }));
  return { ...written, changes: await changes() };
}
