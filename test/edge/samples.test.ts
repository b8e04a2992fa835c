/** Samples from a host at the far end of a real socket to whoever watches, and the end of sampling with the last watcher. */
import { env, evictDurableObject } from "cloudflare:test";
import { beforeAll, expect, it } from "vitest";
import type { Env } from "../../api/env.ts";
import { userHub } from "../../api/hubs.ts";
import { sumOfHosts } from "../../api/objects/sum-of-hosts.ts";
import type { HostSample, VmSample, WatchOrder } from "../../protocol/samples.ts";
import { type FakeAgent, hosted, report, until } from "./agent.ts";
import { Client } from "./client.ts";
import { Socket } from "./socket.ts";

const bindings = env as unknown as Env;
let admin: Client;
let agent: FakeAgent;
let id: string;

beforeAll(async () => {
  admin = await Client.as("admin", "none");
  ({ agent, id } = await hosted(admin, "busy", "running"));
});

/** Resolves once the host's last order is this one. */
async function isOrdered(order: WatchOrder, of = agent): Promise<true> {
  const last = () => of.frames.flatMap((frame) => (frame.type === "watch" ? [frame.order] : [])).at(-1);
  await until(() => JSON.stringify(last()) === JSON.stringify(order), `${JSON.stringify(order)} is ordered`);
  return true;
}

const nothing: WatchOrder = { vms: [], hostIntervalMs: null };
const hub = () => bindings.USER_HUB.getByName(userHub(admin.id));

function vmSample(vmId: string, usage = 50): VmSample {
  return {
    ...{ vmId, at: new Date().toISOString(), cpu: { usage, cores: 2 }, memory: { total: 512, used: 128, usage: 25 } },
    ...{ disk: { read: 1, write: 2 }, network: { rx: 3, tx: 4 } },
  };
}

function hostSample(more: Partial<HostSample> = {}): HostSample {
  const { cpu, memory, disk } = vmSample("");
  return { hostId: null, at: new Date().toISOString(), cpu, memory, disk, network: { rx: 1, tx: 1 }, ...more };
}

it("a machine's samples come as ordered, through an eviction, and stop with the last subscription", async () => {
  const [one, other] = [await Socket.of(admin), await Socket.of(admin)];
  expect(await one.subscribe({ topic: "vm-metrics", vmId: "busy", interval: 60_000 })).toMatchObject({
    type: "subscribe",
  });
  await isOrdered({ vms: [{ vmId: id, intervalMs: 60_000 }], hostIntervalMs: null });
  await other.subscribe({ topic: "vm-metrics", vmId: id, interval: 1_000 });
  await isOrdered({ vms: [{ vmId: id, intervalMs: 1_000 }], hostIntervalMs: null });
  await evictDurableObject(hub());
  const sample = vmSample(id);
  // The host says more than it was asked.
  agent.send({ type: "stats", vms: [sample, vmSample(`vm-${"9".repeat(26)}`)], host: hostSample() });
  for (const socket of [one, other]) expect(await socket.heard("vm-metrics")).toEqual(sample);
  // The one that wants it every minute has had enough for now.
  await scheduler.wait(1_000);
  agent.send({ type: "stats", vms: [vmSample(id, 60)], host: null });
  expect(await other.heard("vm-metrics", 2)).toMatchObject({ cpu: { usage: 60 } });
  expect(one.all("vm-metrics")).toHaveLength(1);
  expect(other.all("system-monitor")).toEqual([]);

  await other.ask("unsubscribe", { topic: "vm-metrics", vmId: id });
  await isOrdered({ vms: [{ vmId: id, intervalMs: 60_000 }], hostIntervalMs: null });
  one.close();
  await isOrdered(nothing);
  other.close();
});

it("vm-status tells how busy the one machine is that is watched", async () => {
  const socket = await Socket.of(admin);
  await socket.subscribe({ topic: "vm-status", vmId: id });
  await isOrdered({ vms: [{ vmId: id, intervalMs: 10_000 }], hostIntervalMs: null });
  expect(await socket.heard("vm-status")).toMatchObject({ status: "running", cpu: null, network: null });
  agent.send({ type: "stats", vms: [vmSample(id)], host: null });
  expect(await socket.heard("vm-status", 2)).toEqual({
    ...{ vmId: id, name: "busy", status: "running", cpu: 50, memory: 25, network: { rx: 3, tx: 4 } },
  });
  socket.close();
  await isOrdered(nothing);
});

it("system-monitor shows one host, or the sum of all, to administrators", async () => {
  const { agent: second } = await hosted(admin, "second");
  const [one, all] = [await Socket.of(admin), await Socket.of(admin)];
  await one.subscribe({ topic: "system-monitor", interval: 2_000, hostId: agent.hostId });
  await isOrdered({ vms: [], hostIntervalMs: 2_000 });
  await all.subscribe({ topic: "system-monitor", interval: 1_000 });
  await isOrdered({ vms: [], hostIntervalMs: 1_000 });
  await isOrdered({ vms: [], hostIntervalMs: 1_000 }, second);
  agent.send({ type: "stats", vms: [], host: hostSample() });
  expect(await one.heard("system-monitor")).toMatchObject({ hostId: agent.hostId, cpu: { usage: 50, cores: 2 } });
  expect(await all.heard("system-monitor")).toMatchObject({ hostId: null, cpu: { cores: 2 } });
  await scheduler.wait(900);
  second.send({ type: "stats", vms: [], host: hostSample({ cpu: { usage: 100, cores: 6 } }) });
  expect(await all.heard("system-monitor", 2)).toMatchObject({
    ...{ hostId: null, cpu: { usage: 87.5, cores: 8 }, memory: { total: 1024, used: 256, usage: 25 } },
  });
  expect(one.all("system-monitor")).toHaveLength(1);
  await one.ask("unsubscribe", { topic: "system-monitor", hostId: agent.hostId });
  await all.ask("unsubscribe", { topic: "system-monitor" });
  await isOrdered(nothing);
  await isOrdered(nothing, second);

  const user = await Socket.of(await Client.as("user"));
  expect(await user.subscribe({ topic: "system-monitor" })).toMatchObject({
    type: "error",
    data: { code: "FORBIDDEN" },
  });
  expect(await user.subscribe({ topic: "vm-metrics", vmId: id })).toMatchObject({ data: { code: "VM_NOT_FOUND" } });
  expect(await one.subscribe({ topic: "system-monitor", hostId: "host-none" })).toMatchObject({
    data: { code: "HOST_NOT_FOUND" },
  });
  for (const socket of [one, all, user]) socket.close();
});

it("a host that comes back is told again what is watched", async () => {
  const socket = await Socket.of(admin);
  await socket.subscribe({ topic: "vm-metrics", vmId: id, interval: 3_000 });
  expect(await isOrdered({ vms: [{ vmId: id, intervalMs: 3_000 }], hostIntervalMs: null })).toBe(true);
  agent.close();
  await agent.connect([report(id, "running")]);
  expect(await isOrdered({ vms: [{ vmId: id, intervalMs: 3_000 }], hostIntervalMs: null })).toBe(true);
  socket.close();
  expect(await isOrdered(nothing)).toBe(true);
});

it("a hub that died without a word is forgotten with its next sample", async () => {
  const order = { vms: [{ vmId: id, intervalMs: 1_000 }], hostIntervalMs: null };
  await bindings.HOST_LINK.getByName(agent.hostId).watch(agent.hostId, "user:gone", order);
  expect(await isOrdered(order)).toBe(true);
  agent.send({ type: "stats", vms: [vmSample(id)], host: null });
  expect(await isOrdered(nothing)).toBe(true);
});

it("nothing sums up to nothing", () => {
  expect(sumOfHosts([])).toMatchObject({ hostId: null, cpu: { usage: 0, cores: 0 }, memory: { usage: 0 } });
});
