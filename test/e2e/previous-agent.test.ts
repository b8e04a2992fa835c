/**
 * The edge with the agent of the version of the protocol before, kept as a bundle: it serves a machine, and the present
 * agent takes it over while it runs.
 *
 * `test/fixtures/agent-previous.mjs` is made by `node scripts/release/bundle-agent.ts COMMIT test/fixtures/agent-previous.mjs`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EdgeProcess } from "./edge-process.ts";
import { qemusOf } from "./processes.ts";

interface Machine {
  readonly id: string;
  readonly status: string;
}

const project = join(import.meta.dirname, "../..");
let edge: EdgeProcess;
let folder: string;
let agent: ChildProcess;
let hostId: string;

beforeAll(async () => {
  edge = await EdgeProcess.start();
  folder = join(edge.home, "previous");
});

afterAll(async () => {
  await end();
  for (const { pid } of qemusOf(folder)) process.kill(pid, "SIGKILL");
  await edge.dispose();
});

/** From a folder that is laid out as the clone was: it looks for its version and for tiny's files there. */
function previousAgent(): string[] {
  mkdirSync(join(folder, "agent"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ version: "0.0.9" }));
  const bundle = join(folder, "agent", "agent.mjs");
  cpSync(join(project, "test/fixtures/agent-previous.mjs"), bundle);
  for (const name of ["rootfs", "initramfs"]) {
    symlinkSync(join(project, "agent/tiny-image", name), join(folder, "agent", name));
  }
  // Started as its own argument it would take itself for the builder of tiny.
  return ["--input-type=module", "--eval", `import ${JSON.stringify(bundle)}`];
}

function run(args: readonly string[], more: NodeJS.ProcessEnv = {}): void {
  agent = spawn(process.execPath, args, {
    cwd: project,
    env: {
      ...process.env,
      ...{ VOIDVM_EDGE: edge.url, VOIDVM_AGENT_HOME: join(folder, "home"), VOIDVM_RUN: join(folder, "run") },
      ...{ VOIDVM_ACCEL: "tcg", VOIDVM_ALLOW_EMULATION: "1" },
      ...more,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [agent.stdout, agent.stderr]) stream?.on("data", (data) => (edge.output += data));
}

async function end(): Promise<void> {
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill("SIGTERM");
  if (agent.exitCode === null && agent.signalCode === null) await ended;
}

const isOnlineAs = (version: string) => async () => {
  const host = await edge.request<{ status: string; agentVersion: string }>("GET", `/hosts/${hostId}`);
  return host.status === "online" && host.agentVersion === version;
};

it("serves a host of the version before, and the present agent takes its running machine over", async () => {
  const { host, enrolment } = await edge.request<{ host: { id: string }; enrolment: { token: string } }>(
    ...(["POST", "/hosts", { name: "previous" }] as const),
  );
  hostId = host.id;
  run(previousAgent(), { VOIDVM_ENROLMENT_TOKEN: enrolment.token });
  await edge.until("the previous agent is online", isOnlineAs("0.0.9"));

  const body = { name: "old", cpu: 1, memory: 128, disk: 1, os: "tiny", hostId, start: true };
  const { id } = await edge.request<Machine>("POST", "/vms", body);
  const machine = () => edge.request<Machine>("GET", `/vms/${id}`);
  await edge.until("the machine runs", async () => (await machine()).status === "running", 240_000);
  const [before] = qemusOf(folder);
  await expect(edge.request("POST", `/hosts/${hostId}/upgrade`, {})).rejects.toThrow("HOST_NOT_UPDATABLE");

  await end();
  run(["agent/main.ts"]);
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };
  await edge.until("the present agent is online", isOnlineAs(version));
  expect(qemusOf(folder)).toEqual([{ ...before, parent: expect.any(Number) }]);
  expect((await machine()).status).toBe("running");
  await end();

  // And back: the edge was rolled out before its agents, and stops what it must by the old one.
  run(["--input-type=module", "--eval", `import ${JSON.stringify(join(folder, "agent", "agent.mjs"))}`]);
  await edge.until("the previous agent is online again", isOnlineAs("0.0.9"));
  await edge.request("POST", `/vms/${id}/stop`, { force: true });
  await edge.until("the machine is off", async () => (await machine()).status === "stopped");
  expect(qemusOf(folder)).toEqual([]);
  expect(existsSync(join(folder, "home", "vms", id, "disk.qcow2"))).toBe(true);
});
