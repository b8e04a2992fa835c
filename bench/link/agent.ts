/** The agent as hosts run it, the one bundled file under its launcher: its memory and its processor time while nothing happens. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation, Vm } from "../../protocol/rest.ts";
import { projectFolder } from "../../scripts/project.ts";
import { bundleAgent } from "../../scripts/release/bundle-agent.ts";
import { descendants, qemusOf } from "../../test/e2e/processes.ts";
import { ApiClient } from "../sim/api-client.ts";
import { EdgeProcess, residentMib } from "../sim/edge-process.ts";

export interface AgentFigures {
  readonly machines: number;
  readonly residentMib: number;
  /** Its share of what it has in memory with others, such as Node's program with a second Node, and all that is its own. */
  readonly proportionalMib: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

/** With no machine, and with `machines` of them. */
export async function measureAgent(machines: number, seconds: number): Promise<AgentFigures[]> {
  const edge = await EdgeProcess.start();
  const home = await mkdtemp(join(tmpdir(), "voidvm-bench-agent-"));
  let launcher: ChildProcess | null = null;
  try {
    const client = new ApiClient(edge.origin);
    await client.login("admin", "admin123");
    await client.liftLimits();
    // However few cores there are, since most of the machines are halted.
    await client.call("PUT", "/config", { placement: { overcommit: { cpu: 64 } } });
    const { enrolment } = await client.call<{ enrolment: { token: string } }>("POST", "/hosts", { name: "real" });
    const env = {
      ...process.env,
      ...{ VOIDVM_EDGE: edge.origin, VOIDVM_ENROLMENT_TOKEN: enrolment.token, VOIDVM_ALLOW_EMULATION: "1" },
      ...{ VOIDVM_AGENT_HOME: home, VOIDVM_RUN: join(home, "run"), VOIDVM_CONFIG: join(home, "none") },
    };
    await install(home);
    launcher = spawn(join(projectFolder, "installer", "voidvm-agent"), ["run"], { env, stdio: "ignore" });
    // It makes the tiny image first; the first machine is there when that is over.
    await make(client, "first");
    const pid = agentBelow(launcher);
    await remove(client, "first");
    const alone = await measure(pid, 0, seconds);
    for (let n = 0; n < machines; n++) await make(client, `m-${n}`);
    return [alone, await measure(pid, machines, seconds)];
  } finally {
    if (launcher && launcher.exitCode === null) {
      const exited = once(launcher, "exit");
      launcher.kill("SIGTERM");
      await exited;
    }
    for (const { pid } of qemusOf(home)) process.kill(pid, "SIGKILL");
    await edge.dispose();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** As `install.sh` leaves it. */
async function install(home: string): Promise<void> {
  const version = join(home, "versions", "bench");
  await mkdir(version, { recursive: true });
  await writeFile(join(version, "agent.mjs"), await bundleAgent());
  await symlink(process.execPath, join(version, "node"));
  await symlink("versions/bench", join(home, "current"));
}

function agentBelow(launcher: ChildProcess): number {
  const agent = descendants(launcher.pid as number).find(
    ({ command }) => command.at(-1) === "run" && command[0]?.endsWith("/node"),
  );
  if (!agent) throw new Error("The launcher has no agent");
  return agent.pid;
}

/** A machine whose vCPUs are halted: the agent has as much to do with it as with one that runs, and the cores are free. */
async function make(client: ApiClient, name: string): Promise<void> {
  const order = { name, cpu: 1, memory: 128, disk: 1, os: "tiny", start: true };
  const vm = await untilPlaced(() => client.call<Vm>("POST", "/vms", order));
  if (vm.operation) await ended(client, vm.operation);
  await ended(client, await client.call<Operation>("POST", `/vms/${vm.id}/pause`));
}

async function remove(client: ApiClient, name: string): Promise<void> {
  await ended(client, await client.call<Operation>("DELETE", `/vms/${name}?force=true`));
}

/** Until the host has joined there is no place. */
async function untilPlaced<T>(act: () => Promise<T>): Promise<T> {
  for (let left = 120; ; left--) {
    try {
      return await act();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(500);
    }
  }
}

async function ended(client: ApiClient, { id }: Operation): Promise<void> {
  for (;;) {
    const operation = await client.call<Operation>("GET", `/operations/${id}?wait=50`);
    if (operation.finishedAt === null) continue;
    if (operation.status !== "succeeded") throw new Error(`${operation.kind}: ${operation.error?.message}`);
    return;
  }
}

async function measure(pid: number, machines: number, seconds: number): Promise<AgentFigures> {
  await sleep(10_000);
  const [cpu, startedAt] = [await processorMs(pid), performance.now()];
  await sleep(seconds * 1000);
  const used = (await processorMs(pid)) - cpu;
  const cpuPercent = (100 * used) / (performance.now() - startedAt);
  return { machines, cpuPercent, residentMib: await residentMib(pid), proportionalMib: await proportionalMib(pid) };
}

async function proportionalMib(pid: number): Promise<number> {
  const sums = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(sums)?.[1] ?? 0) / 1024;
}

/** In user and kernel mode, from /proc/PID/stat: its ticks are of 10 ms. */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
