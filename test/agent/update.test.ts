/**
 * How an agent becomes another version: the real launcher, real bundles as processes, and a release that is fetched over
 * HTTP, with an edge at the far end that says what a test tells it to.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exportJWK, generateKeyPair } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { agentNodeOptions, bundleAgent, lowestNode } from "../../scripts/release/bundle-agent.ts";
import { writeRelease } from "../../scripts/release/build-release.ts";
import { readSigningKeys, type SigningKey } from "../../scripts/release/signing-keys.ts";
import { VmTable } from "../../agent/vm-table.ts";
import type { VmReport } from "../../protocol/operations.ts";
import { descendants } from "../e2e/processes.ts";
import { FakeEdge } from "../fakes/edge.ts";
import { TestHost, testSpec } from "./test-host.ts";

const launcher = join(import.meta.dirname, "../../installer/voidvm-agent");
const [ownKey, otherKey] = ["A", "B"].map((letter) => letter.repeat(42) + "A") as [string, string];
const trialSeconds = "6";

let oldBundle: Uint8Array;
let newBundle: Uint8Array;
let keys: SigningKey[];
let host: TestHost;
let folder: string;
let home: string;
/** That runs all the while, as its host reports it. */
let machine: VmReport | null;
let edge: FakeEdge;
let agent: ChildProcess;
let output = "";
/** How many of the agent's have been awaited. */
let hellos: number;

beforeAll(async () => {
  keys = await readSigningKeys(ownKey);
  [oldBundle, newBundle] = [await bundleAgent("1.0.0"), await bundleAgent("1.1.0")];
}, 60_000);

beforeEach(async () => {
  edge = await FakeEdge.start();
  host = new TestHost();
  ({ folder } = host);
  ({ home } = host.paths);
  await install();
  machine = await startMachine();
  output = "";
  hellos = 0;
  agent = spawn(launcher, ["run"], {
    env: {
      // Without apt there is no tiny image to make meanwhile.
      PATH: programs(),
      ...{ VOIDVM_CONFIG: join(folder, "none"), VOIDVM_AGENT_HOME: home, VOIDVM_RUN: host.paths.runtime },
      ...{ VOIDVM_ALLOW_EMULATION: "1", VOIDVM_TRIAL_SECONDS: trialSeconds },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [agent.stdout, agent.stderr]) stream?.on("data", (data) => (output += data));
  await hello();
}, 120_000);

afterEach(async () => {
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  if (agent.exitCode === null && agent.signalCode === null) {
    agent.kill("SIGTERM");
    await ended;
  }
  await edge.stop();
  await host.dispose();
}, 60_000);

async function startMachine(): Promise<VmReport | null> {
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const { paths } = host;
  const table = new VmTable({ paths, accelerator: "tcg", acceleratorReason: "a test", bootId, log: () => {} });
  const vmId = await host.addVm();
  await table.add(vmId, 1, testSpec);
  await table.start(vmId);
  const report = await table.report(vmId);
  table.close();
  return report;
}

/** The agent's last report of it. */
async function machineIsTheSame(): Promise<void> {
  const report = await edge.heard("report", hellos - 1, 30_000);
  expect(report.vms).toEqual([machine]);
  expect(host.qemus().map(({ pid }) => pid)).toEqual([machine?.pid]);
}

/** Version 1.0.0, as install.sh leaves it. */
async function install(): Promise<void> {
  const versionFolder = join(home, "versions", "1.0.0");
  mkdirSync(versionFolder, { recursive: true });
  writeFileSync(join(versionFolder, "agent.mjs"), oldBundle);
  symlinkSync(process.execPath, join(versionFolder, "node"));
  symlinkSync("versions/1.0.0", join(home, "current"));
  writeFileSync(join(home, "release-keys"), `${keys[0]?.id}\n`);
  writeFileSync(join(home, "agent.json"), JSON.stringify({ hostId: `host-${"0".repeat(26)}`, edge: edge.url }));
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  writeFileSync(join(home, "key.json"), JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 });
}

/** A folder with what the launcher calls. */
function programs(): string {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  for (const name of ["flock", "id", "ln", "mv", "readlink", "rm", "sleep"]) {
    if (!existsSync(join(bin, name))) symlinkSync(join("/usr/bin", name), join(bin, name));
  }
  return bin;
}

let release = 0;
/** What the edge offers from now on. */
async function offer(version: string, bundle: Uint8Array, signers: readonly SigningKey[] = keys): Promise<string> {
  const assets = join(folder, `assets-${++release}`);
  const runtime = { sha256: "0".repeat(64), bytes: 0, pieces: [] };
  await writeRelease(assets, { version, agent: bundle, program: readFileSync(launcher), runtime }, signers);
  edge.serve("/release", assets);
  return assets;
}

async function hello() {
  return edge.heard("hello", hellos++, 60_000);
}

async function order(version: string): Promise<void> {
  await edge.heard("report", hellos - 1, 30_000);
  // The edge has sent `sync` by then; the agent takes one frame after the other.
  edge.send({ type: "update", epoch: edge.epoch, version });
}

const failure = () => edge.heard("update-failed", 0, 60_000);
const current = () => readlinkSync(join(home, "current"));

/** A program that tells its version as the agent does, and then does something else. */
function impostor(version: string, act: string): Uint8Array {
  return Buffer.from(`if (process.argv[2] === "version") console.log("${version}"); else { ${act} }`);
}

describe("an agent that is told to become another version", { timeout: 120_000 }, () => {
  it("comes back as that version under the same launcher, and keeps the one before", async () => {
    expect(await edge.heard("hello")).toMatchObject({
      agentVersion: "1.0.0",
      features: expect.arrayContaining(["update"]),
    });
    await offer("1.1.0", newBundle);
    await order("1.1.0");
    expect((await hello()).agentVersion).toBe("1.1.0");
    await machineIsTheSame();
    await until("the trial is over", () => !existsSync(join(home, "trial")));
    expect(current()).toBe("versions/1.1.0");
    expect(existsSync(join(home, "versions", "1.0.0", "agent.mjs"))).toBe(true);
    expect(agent.exitCode).toBeNull();
  });

  it("trusts from then on the keys that the release names, so that a key can be changed", async () => {
    const [next] = (await readSigningKeys(otherKey)) as [SigningKey];
    await offer("1.1.0", newBundle, [...keys, next]);
    await order("1.1.0");
    await hello();
    expect(readFileSync(join(home, "release-keys"), "utf8")).toBe(`${keys[0]?.id}\n${next.id}\n`);
    // Signed by the new one alone, and refused for nothing but its age.
    await offer("1.0.5", oldBundle, [next]);
    await order("1.0.5");
    expect((await failure()).reason).toContain("older");
  });

  it.each([
    ["ends at once", "process.exit(3)", "it ended with status 3 before it was connected"],
    ["hangs", "setInterval(() => {}, 1000)", `it did not connect within ${trialSeconds} s`],
  ])("goes back to the one before where the new one %s, and tells the edge", async (_what, act, reason) => {
    await offer("1.1.0", impostor("1.1.0", act));
    await order("1.1.0");
    expect((await hello()).agentVersion).toBe("1.0.0");
    expect(await failure()).toMatchObject({ version: "1.1.0", reason });
    await machineIsTheSame();
    expect(current()).toBe("versions/1.0.0");
    expect(existsSync(join(home, "trial"))).toBe(false);
  });

  it.each([
    [
      "is signed by a stranger",
      async () => void (await offer("1.1.0", newBundle, await readSigningKeys(otherKey))),
      "not signed",
    ],
    ["is not signed at all", async () => void (await offer("1.1.0", newBundle, [])), "not whole"],
    ["was changed after it was signed", tamperedManifest, "not signed"],
    ["has another bundle than it names", tamperedBundle, "not what the manifest says"],
    [
      "does not even tell its version",
      async () => void (await offer("1.1.0", Buffer.from("nonsense("))),
      "SyntaxError",
    ],
    ["says that it is another version", async () => void (await offer("1.1.0", oldBundle)), "version 1.0.0"],
  ])("stays as it is where the release %s, and tells the edge", async (_what, prepare, reason) => {
    await prepare();
    await order("1.1.0");
    expect((await failure()).reason).toContain(reason);
    expect(current()).toBe("versions/1.0.0");
    expect(edge.frames.filter(({ type }) => type === "hello")).toHaveLength(1);
  });

  it("refuses an older version", async () => {
    await offer("0.9.0", await bundleAgent("0.9.0"));
    await order("0.9.0");
    expect((await failure()).reason).toContain("older than 1.0.0");
  });

  async function tamperedManifest(): Promise<void> {
    const manifest = join(await offer("1.1.0", newBundle), "manifest");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace(`node ${lowestNode}`, "node 20.0.0"));
  }

  async function tamperedBundle(): Promise<void> {
    const assets = await offer("1.1.0", newBundle);
    const [, name = ""] = /^piece \S+ \d+ (agent\.mjs\S+)$/m.exec(readFileSync(join(assets, "manifest"), "utf8")) ?? [];
    copyFileSync(join(assets, "manifest"), join(assets, name));
  }
});

describe("the launcher", { timeout: 120_000 }, () => {
  it("runs the agent with the options of Node that its version names, in little memory", async () => {
    await edge.heard("report", 0, 30_000);
    const running = descendants(agent.pid ?? 0).find(
      ({ command }) => command.at(-1) === "run" && command[0] !== "/bin/sh",
    );
    expect(running?.command.slice(1)).toEqual([...agentNodeOptions, join(home, "current", "agent.mjs"), "run"]);
    const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${running?.pid}/status`, "utf8")) ?? [];
    // What is its own; pages of Node's program, about 47 MiB, come on top. It is 24 when all is well.
    expect(Number(kib) / 1024).toBeLessThan(40);
  });

  it("lets the agent go with it even when it is killed, and lets no second one serve the same home", async () => {
    const second = spawn(launcher, ["run"], {
      env: { PATH: programs(), VOIDVM_CONFIG: "/none", VOIDVM_AGENT_HOME: home, VOIDVM_RUN: host.paths.runtime },
    });
    // It waits for the first to end: nothing of it is heard.
    await sleep(1_500);
    expect(edge.frames.filter(({ type }) => type === "hello")).toHaveLength(1);
    agent.kill("SIGKILL");
    await hello();
    second.kill("SIGTERM");
    await new Promise((resolve) => second.once("exit", resolve));
  });

  it("ends as the agent ends where no update is under way", async () => {
    const ended = new Promise((resolve) => agent.once("exit", resolve));
    agent.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(output).not.toContain("taken back");
  });
});

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`Not in time: ${what}\n${output}`);
    await sleep(50);
  }
}
