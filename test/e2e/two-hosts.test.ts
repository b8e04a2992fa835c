/** Two agents at addresses of their own, and one edge that they reach over a network that loses packets, is slow, or is cut. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ImageStore } from "../../agent/images.ts";
import { HostPaths } from "../../agent/paths.ts";
import { defaultCache } from "../../agent/tiny-image/build.ts";
import { ApiClient } from "../../bench/sim/api-client.ts";
import { EdgeProcess } from "../../bench/sim/edge-process.ts";
import type { Host, Operation, Vm } from "../../protocol/rest.ts";
import { projectFolder } from "../../scripts/project.ts";
import { DelayRelay } from "../netns/delay-relay.ts";
import { type NetworkHost, peersOf, refusal, TestNetwork } from "../netns/network.ts";
import { unless } from "../unless.ts";
import { qemusOf } from "./processes.ts";

const password = "a-password-of-the-test";

class RealHost {
  readonly id: string;
  readonly network: NetworkHost;
  readonly #home: string;
  #agent: ChildProcess | null = null;
  #output = "";

  constructor(id: string, network: NetworkHost, home: string) {
    this.id = id;
    this.network = network;
    this.#home = home;
  }

  /** `token` where it has not joined yet. */
  run(edge: string, token?: string): void {
    const [program, args] = this.network.command(process.execPath, join(projectFolder, "agent", "main.ts"));
    const agent = spawn(program, args, {
      env: {
        ...process.env,
        ...{ VOIDVM_EDGE: edge, VOIDVM_ALLOW_EMULATION: "1", VOIDVM_AGENT_HOME: this.#home },
        ...{ VOIDVM_RUN: join(this.#home, "run"), VOIDVM_SPAWN_LOG: this.#spawnLog },
        ...(token === undefined ? {} : { VOIDVM_ENROLMENT_TOKEN: token }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [agent.stdout, agent.stderr]) stream.on("data", (data) => (this.#output += data));
    this.#agent = agent;
  }

  async stop(): Promise<void> {
    const agent = this.#agent;
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return;
    const exited = once(agent, "exit");
    agent.kill("SIGTERM");
    await exited;
  }

  /** How often a machine's QEMU was started. */
  starts(vmId: string): number {
    if (!existsSync(this.#spawnLog)) return 0;
    const lines = readFileSync(this.#spawnLog, "utf8").split("\n");
    return lines.filter((line) => line.startsWith("qemu-system") && line.endsWith(vmId)).length;
  }

  get output(): string {
    return this.#output.slice(-3000);
  }

  get #spawnLog(): string {
    return join(this.#home, "spawned.log");
  }
}

let folder: string;
let network: TestNetwork;
let edge: EdgeProcess;
let client: ApiClient;
let near: RealHost;
let far: RealHost;
let nearVm: Vm;
let farVm: Vm;
/** For the near host, while nothing comes through. */
let queued: Operation;

/** As the hosts reach it. */
const edgeOrigin = () => `http://${network.gateway}:${new URL(edge.origin).port}`;

async function until(what: string, check: () => Promise<boolean>, timeoutMs = 120_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`Not in time: ${what}\n${near?.output}\n${far?.output}`);
    await sleep(200);
  }
}

async function statusOf(host: RealHost): Promise<string> {
  return (await client.call<Host>("GET", `/hosts/${host.id}`)).status;
}

async function ended({ id }: Operation): Promise<Operation> {
  const read = () => client.call<Operation>("GET", `/operations/${id}?wait=5`);
  let operation = await read();
  await until(`${operation.kind} has ended`, async () => (operation = await read()).finishedAt !== null, 240_000);
  return operation;
}

/** The operation's end, for which it throws where it isn't a good one. */
async function act(vm: Vm, action: string): Promise<void> {
  const operation = await ended(await client.call<Operation>("POST", `/vms/${vm.id}/${action}`));
  if (operation.status !== "succeeded") throw new Error(`${action}: ${JSON.stringify(operation.error)}`);
}

async function createOn(host: RealHost, name: string): Promise<Vm> {
  const order = { name, cpu: 1, memory: 128, disk: 1, os: "tiny", hostId: host.id, start: false };
  const vm = await client.call<Vm>("POST", "/vms", order);
  if (vm.operation) await ended(vm.operation);
  return client.call<Vm>("GET", `/vms/${vm.id}`);
}

/** The hosts have no way to Debian's packages, so the image is made for them. */
async function prepareImages(homes: readonly string[]): Promise<void> {
  const [first = "", ...others] = homes;
  const paths = new HostPaths(first, join(first, "run"));
  paths.prepare();
  mkdirSync(defaultCache, { recursive: true });
  mkdirSync(join(first, "cache"), { recursive: true });
  symlinkSync(defaultCache, paths.packageCache);
  await new ImageStore(paths).ensure({ id: "img-tiny", source: { from: "tiny" } });
  for (const home of others) cpSync(paths.imagesDir, join(home, "images"), { recursive: true });
}

async function addHost(name: string, at: NetworkHost, home: string): Promise<RealHost> {
  const { host, enrolment } = await client.call<{ host: Host; enrolment: { token: string } }>("POST", "/hosts", {
    name,
  });
  const real = new RealHost(host.id, at, home);
  real.run(edgeOrigin(), enrolment.token);
  return real;
}

describe("two hosts on a network", unless(refusal()), () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "voidvm-hosts-"));
    network = await TestNetwork.create(2);
    edge = await EdgeProcess.start({ VOIDVM_BIND: network.gateway, VOIDVM_ADMIN_PASSWORD: password });
    client = new ApiClient(edge.origin);
    await client.login("admin", password);
    await client.liftLimits();
    const homes = ["near", "far"].map((name) => join(folder, name));
    await prepareImages(homes);
    const [one, two] = network.hosts as [NetworkHost, NetworkHost];
    near = await addHost("near", one, homes[0] as string);
    far = await addHost("far", two, homes[1] as string);
    const areOnline = async () => (await statusOf(near)) === "online" && (await statusOf(far)) === "online";
    await until("both are online", areOnline);
  });

  afterAll(async () => {
    await near?.stop();
    await far?.stop();
    if (folder) for (const { pid } of qemusOf(folder)) process.kill(pid, "SIGKILL");
    await network?.remove();
    await edge?.dispose();
    if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it("are linked to the edge from their own addresses", () => {
    const peers = peersOf(Number(new URL(edge.origin).port));
    expect(peers).toContain(near.network.address);
    expect(peers).toContain(far.network.address);
  });

  it("get the machines that are meant for them", async () => {
    nearVm = await createOn(near, "near-vm");
    farVm = await createOn(far, "far-vm");
    expect([nearVm, farVm]).toMatchObject([
      { hostId: near.id, status: "stopped" },
      { hostId: far.id, status: "stopped" },
    ]);
    await act(farVm, "start");
    expect([far.starts(farVm.id), near.starts(farVm.id)]).toEqual([1, 0]);
  });

  it("take orders for one that nothing comes through to", async () => {
    near.network.lose(100);
    queued = await client.call<Operation>("POST", `/vms/${nearVm.id}/start`);
    expect(queued.status).toBe("queued");
  });

  it("do what they are told where a third of the packets is lost and a round trip takes two seconds", async () => {
    const relay = await DelayRelay.start(network.gateway, Number(new URL(edge.origin).port), 1000);
    try {
      await far.stop();
      far.network.lose(30);
      far.run(relay.origin);
      const orderedAt = performance.now();
      await act(farVm, "pause");
      expect(performance.now() - orderedAt).toBeGreaterThan(2000);
      expect(await client.call<Vm>("GET", `/vms/${farVm.id}`)).toMatchObject({ status: "paused" });
      await act(farVm, "resume");
      await act(farVm, "pause");
      expect(far.starts(farVm.id)).toBe(1);
    } finally {
      far.network.lose(0);
      await relay.stop();
    }
  });

  it("are shown as offline once they are silent, and do what waits, once, when they are back", async () => {
    // 90 s of silence are an end. They began before the other host's test.
    await until("the host is offline", async () => (await statusOf(near)) === "offline", 240_000);
    expect(await client.call<Operation>("GET", `/operations/${queued.id}`)).toMatchObject({
      status: "queued",
      waitingFor: { reason: "HOST_OFFLINE", hostId: near.id },
    });
    expect(near.starts(nearVm.id)).toBe(0);

    near.network.lose(0);
    await until("the host is back", async () => (await statusOf(near)) === "online");
    expect(await ended(queued)).toMatchObject({ status: "succeeded" });
    expect(near.starts(nearVm.id)).toBe(1);
    expect(await client.call<Vm>("GET", `/vms/${nearVm.id}`)).toMatchObject({ status: "running" });
  });
});
