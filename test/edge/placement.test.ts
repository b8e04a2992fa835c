/** Where creations go, why they go nowhere, and hosts that drain or are in maintenance. */
import { env } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { rememberConfig } from "../../api/config.ts";
import { updateConfig } from "../../db/config.ts";
import { defaultConfig } from "../../protocol/config.ts";
import { linkLimits } from "../../protocol/agent-link.ts";
import { facts, FakeAgent, hosted, report, until } from "./agent.ts";
import { addHost, type Answer, Client, machine, patch } from "./client.ts";

let admin: Client;
let user: Client;
beforeAll(async () => {
  admin = await Client.as("admin", "none");
  user = await Client.as("user", "none");
});
// Each test has the fleet to itself.
beforeEach(() => env.DB.prepare("UPDATE hosts SET status = 'pending'").run());

const small = { capacityCpu: 10, capacityMemory: 1000, capacityDisk: 10 };
const kvm = { facts: { ...facts, accelerator: "kvm" as const } };
const create = (name: string, more: object = {}) => user.post("/vms", machine(name, more));
const host = async (id: string) => (await admin.get(`/hosts/${id}`)).body.data;
const reasons = ({ status, body }: Answer) => [status, body.error?.code, body.error?.details];

describe("a creation", () => {
  it("goes to the emptiest host, or where the configuration or the request says so, to the fullest", async () => {
    const [a, b] = [await addHost(), await addHost()];
    const [first, second] = [await create("s1"), await create("s2")];
    expect(new Set([first, second].map(({ body }) => body.data.hostId))).toEqual(new Set([a, b]));
    const third = (await create("s3")).body.data.hostId;
    expect((await create("p1", { placement: { strategy: "pack" } })).body.data.hostId).toBe(third);
    rememberConfig(await updateConfig(env.DB, { placement: { strategy: "pack" } }));
    expect((await create("p2")).body.data.hostId).toBe(third);
    expect((await create("p3", { placement: { strategy: "spread" } })).body.data.hostId).not.toBe(third);
    rememberConfig(await updateConfig(env.DB, { placement: { strategy: "spread" } }));
  });

  it("finds the host with the labels, with KVM, and with the image", async () => {
    const fast = await addHost({ labels: { zone: "a", disk: "nvme" }, ...kvm });
    const slow = await addHost({ labels: { zone: "a" }, facts });
    await env.DB.prepare("INSERT INTO host_images (image_id, host_id) VALUES ('img-tiny', ?)").bind(slow).run();
    expect((await create("any", { os: "tiny" })).body.data.hostId).toBe(slow);
    const wanted = { zone: "a", disk: "nvme" };
    expect((await create("labelled", { placement: { labels: wanted } })).body.data.hostId).toBe(fast);
    expect((await create("real", { placement: { kvm: true } })).body.data.hostId).toBe(fast);
    expect((await create("typo", { placement: { label: {} } })).status).toBe(400);
    const refused = await create("none", { placement: { labels: { zone: "b" } } });
    expect(refused.body.error.details).toMatch(
      /^No host can take 1 vCPUs, 256 MiB and 1 GiB\. \d hosts: .*2 have not the labels/,
    );
  });

  it("that finds no place is told why, host by host", async () => {
    await env.DB.prepare("DELETE FROM hosts WHERE id NOT IN (SELECT host_id FROM vms)").run();
    await addHost({ ...small, capacityMemory: 100 });
    await addHost({ ...small, capacityMemory: 200 });
    await addHost({ schedulable: false });
    await addHost({ maintenance: true });
    await addHost({ status: "offline" });
    const [status, code, details] = reasons(await create("nowhere"));
    expect([status, code]).toEqual([507, "INSUFFICIENT_CAPACITY"]);
    expect(details).toContain("2 have no room for memory");
    for (const one of ["1 is draining", "1 is in maintenance", "1 is offline"]) expect(details).toContain(one);
  });

  it("takes the last place once, however many race for it and whichever of its conditions they name", async () => {
    const id = await addHost({ ...small, ...kvm, labels: { zone: "z" }, capacityMemory: 1024 });
    const others = [
      await addHost({ ...small, labels: { zone: "y" } }),
      await addHost({ ...small, schedulable: false }),
    ];
    const placement = { labels: { zone: "z" }, kvm: true };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => create(`race-${n}`, { placement, memory: 256 })),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made.map(({ body }) => body.data.hostId)).toEqual([id, id, id, id]);
    for (const refused of answers.filter(({ status }) => status !== 201)) {
      expect(refused.body.error.code).toBe("INSUFFICIENT_CAPACITY");
    }
    expect((await host(id)).allocated).toMatchObject({ vms: 4, cpu: 4, memory: 1024, disk: 4 });
    for (const other of others) expect((await host(other)).allocated.vms).toBe(0);
  });

  it("that races with a drain is either before it or refused", async () => {
    const id = await addHost();
    const creations = Array.from({ length: 6 }, (_, n) => create(`drained-${n}`, { placement: { strategy: "pack" } }));
    const [drained, ...answers] = await Promise.all([admin.post(`/hosts/${id}/drain`), ...creations]);
    const made = answers.filter(({ status }) => status === 201).length;
    expect((await host(id)).allocated.vms).toBe(made);
    expect(drained.body.data.remaining.vms).toBe(made);
    expect((await create("late")).status).toBe(507);
  });

  it("counts what a host has given as machines come, grow and go", async () => {
    const id = await addHost(small);
    const vm = (await create("counted")).body.data;
    await env.DB.prepare("UPDATE vms SET cpu = 3, memory = 512 WHERE id = ?").bind(vm.id).run();
    expect((await host(id)).allocated).toEqual({ vms: 1, cpu: 3, memory: 512, disk: 1 });
    await env.DB.prepare("DELETE FROM vms WHERE id = ?").bind(vm.id).run();
    expect((await host(id)).allocated).toEqual({ vms: 0, cpu: 0, memory: 0, disk: 0 });
  });
});

describe("overcommit", () => {
  it("is the configuration's for all hosts, and a host's own where it has one", async () => {
    const agent = await FakeAgent.enrolled(admin, "overcommitted");
    await agent.connect();
    const path = `/hosts/${agent.hostId}`;
    await until(async () => (await host(agent.hostId)).status === "online", "it is online");
    await patch(admin, path, { overcommit: { cpu: 2 } });
    const put = await admin.request("PUT", "/config", { placement: { overcommit: { cpu: 3, memory: 1.5 } } });
    expect(put.body.data.placement).toEqual({ strategy: "spread", overcommit: { cpu: 3, memory: 1.5, disk: 4 } });
    expect(await host(agent.hostId)).toMatchObject({
      capacity: { cpu: 8, memory: 12_288, disk: 400 },
      overcommit: { cpu: 2, memory: 1.5, disk: 4 },
    });
    expect((await patch(admin, path, { overcommit: { cpu: null } })).body.data).toMatchObject({
      capacity: { cpu: 12 },
      overcommit: { cpu: 3 },
    });
    // What it says of itself again is counted by the same rule.
    await agent.open(agent.epoch);
    await agent.heard("welcome");
    expect((await host(agent.hostId)).capacity).toEqual({ cpu: 12, memory: 12_288, disk: 400 });
    await admin.request("PUT", "/config", { placement: { overcommit: defaultConfig.placement.overcommit } });
    expect((await host(agent.hostId)).capacity).toEqual({ cpu: 32, memory: 8192, disk: 400 });
    agent.close();
  });
});

describe("a host's images", () => {
  it("are those it names in its hello, and those of the machines that were made there since", async () => {
    const { agent, id } = await hosted(admin, "pictured");
    expect((await host(agent.hostId)).images).toEqual([(await admin.get(`/vms/${id}`)).body.data.image]);
    const again = async (images?: string[]) => {
      agent.close();
      await until(async () => (await host(agent.hostId)).status === "offline", "it is gone");
      agent.facts = images ? { ...facts, images } : facts;
      await agent.connect([report(id, "stopped")]);
    };
    await again(["img-tiny", "img-debian12"]);
    await until(async () => (await host(agent.hostId)).images.length === 2, "both are known");
    await again(["img-debian12"]);
    await until(async () => (await host(agent.hostId)).images.length === 1, "one is gone");
    // An older agent doesn't say, and takes nothing away.
    await again();
    expect((await host(agent.hostId)).images).toEqual(["img-debian12"]);
    agent.close();
  });
});

describe("draining with shutdown", () => {
  it("stops what runs by one operation each, once, and is undone by schedulable", async () => {
    const { agent, id } = await hosted(admin, "drained", "running");
    const off = (await admin.post("/vms", machine("off", { hostId: agent.hostId }))).body.data.id;
    agent.done(await agent.heard("execute", 1), report(off, "stopped"));
    await until(async () => (await admin.get(`/vms/${off}`)).body.data.operation === null, "it is made");
    const path = `/hosts/${agent.hostId}/drain`;
    const asked = await Promise.all([1, 2].map(() => admin.post(path, { shutdown: true, timeout: 7 })));
    const stopping = asked.flatMap(({ body }) => body.data.stopping);
    expect(stopping).toMatchObject([{ vmId: id }]);
    expect((await admin.post(path, { shutdown: true })).body.data.stopping).toEqual([]);
    expect((await admin.get(`/vms/${id}`)).body.data.status).toBe("stopping");
    const order = await agent.heard("execute", 2);
    expect(order).toMatchObject({ operationId: stopping[0].operationId, kind: "vm.stop", input: { graceMs: 7000 } });
    agent.done(order, report(id, "stopped"));
    await until(async () => (await admin.get(`/vms/${id}`)).body.data.status === "stopped", "it is stopped");
    expect((await host(agent.hostId)).blockedBy).toEqual(["draining"]);
    const { entries } = (await admin.get("/audit?limit=100")).body.data;
    expect(entries.filter((entry: { path: string }) => entry.path.endsWith(path))).toHaveLength(3);
    const undone = await patch(admin, `/hosts/${agent.hostId}`, { schedulable: true });
    expect(undone.body.data).toMatchObject({ schedulable: true, blockedBy: [] });
    expect((await user.post(path, { shutdown: true })).status).toBe(403);
    expect((await admin.post(path, { timeout: 0 })).status).toBe(400);
    agent.close();
  });

  it("asks no more of a host than may wait for it", async () => {
    const id = await addHost();
    const vm = (await create("many", { hostId: undefined, start: true })).body.data;
    const columns = (await env.DB.prepare("SELECT name FROM pragma_table_info('vms')").all<{ name: string }>()).results;
    const changed: Record<string, string> = {
      ...{ id: "substr(id, 1, 20) || printf('%09d', n.i)", name: "'many-' || n.i", mac_address: "'m' || n.i" },
      ...{ status: "'running'", observed: "'running'" },
    };
    const values = columns.map(({ name }) => changed[name] ?? name);
    await env.DB.prepare(
      `INSERT INTO vms WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
       SELECT ${values.join(", ")} FROM n, vms WHERE vms.id = ?`,
    )
      .bind(vm.id)
      .run();
    const first = await admin.post(`/hosts/${id}/drain`, { shutdown: true });
    // The creation waits too.
    expect(first.body.data.stopping).toHaveLength(linkLimits.maxWaitingPerHost - 1);
    expect(first.body.data.remaining).toMatchObject({ vms: 301, operations: linkLimits.maxWaitingPerHost });
    expect((await admin.post(`/hosts/${id}/drain`, { shutdown: true })).body.data.stopping).toEqual([]);
  });
});

describe("maintenance", () => {
  it("lets machines be stopped and deleted, and nothing else", async () => {
    const { agent, id } = await hosted(admin, "maintained", "running");
    const path = `/hosts/${agent.hostId}`;
    const before = (await admin.get(path)).headers.get("ETag") ?? "";
    const changed = await patch(admin, path, { maintenance: true }, { "If-Match": before });
    expect(changed.body.data).toMatchObject({ maintenance: true, blockedBy: ["maintenance"] });
    expect((await patch(admin, path, { maintenance: false }, { "If-Match": before })).status).toBe(412);
    for (const action of ["restart", "pause", "reset"]) {
      expect(reasons(await admin.post(`/vms/${id}/${action}`)).slice(0, 2)).toEqual([409, "HOST_MAINTENANCE"]);
    }
    expect((await patch(admin, `/vms/${id}`, { cpu: 2 })).body.error.code).toBe("HOST_MAINTENANCE");
    expect((await patch(admin, `/vms/${id}`, { description: "waits" })).status).toBe(200);
    expect((await admin.post("/vms", machine("refused", { hostId: agent.hostId }))).body.error.details).toContain(
      "1 host: 1 is in maintenance",
    );
    expect((await admin.post(`/vms/${id}/stop`)).status).toBe(202);
    agent.done(await agent.heard("execute", 1), report(id, "stopped"));
    await until(async () => (await admin.get(`/vms/${id}`)).body.data.status === "stopped", "it is stopped");
    expect((await admin.post(`/vms/${id}/start`)).body.error.code).toBe("HOST_MAINTENANCE");
    expect((await patch(admin, path, { maintenance: false })).body.data.blockedBy).toEqual([]);
    expect((await admin.post(`/vms/${id}/start`)).status).toBe(202);
    await patch(admin, path, { maintenance: true });
    expect((await admin.request("DELETE", `/vms/${id}?force=true`)).status).toBe(202);
    agent.close();
  });
});
