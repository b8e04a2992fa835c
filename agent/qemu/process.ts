/** QEMU as a process: started detached, found again by whoever comes next, and ended by number. */
import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../errors.ts";
import type { VmPaths } from "../paths.ts";
import { run } from "../run.ts";

export interface QemuProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. A pid is used again some day, never with the same start. */
  readonly startTicks: number;
}

const startTimeoutMs = 30_000;

/** `-daemonize` returns when the machine stands and its sockets listen, or with QEMU's own words. */
export async function startQemu(vmId: string, args: readonly string[], paths: VmPaths): Promise<QemuProcess> {
  try {
    await run("qemu-system-x86_64", args, { vmId, timeoutMs: startTimeoutMs });
  } catch (error) {
    if (error instanceof HostError && error.code === "HOST_ERROR") {
      throw new HostError("QEMU_FAILED", error.message, { cause: error });
    }
    throw error;
  }
  const found = await findQemu(vmId, paths);
  if (!found) throw new HostError("QEMU_FAILED", "QEMU started and was gone at once; its log is on the host");
  return found;
}

/** The living process of this very machine; null when there is none. */
export async function findQemu(vmId: string, paths: VmPaths): Promise<QemuProcess | null> {
  const text = await readFile(paths.pidFile, "utf8").catch(() => "");
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  // Another process may have the number by now, or another agent's machine.
  const isOurs = command.split("\0").some((argument) => argument.startsWith(`${vmId},`)) && command.includes(paths.pidFile);
  const startTicks = isOurs ? await readStartTicks(pid) : null;
  return startTicks === null ? null : { pid, startTicks };
}

export async function isAlive(process: QemuProcess): Promise<boolean> {
  return (await readStartTicks(process.pid)) === process.startTicks;
}

/** SIGKILL, and the certainty that it is gone. Harmless for one that is gone already. */
export async function killQemu(qemu: QemuProcess): Promise<void> {
  if (await isAlive(qemu)) process.kill(qemu.pid, "SIGKILL");
  await waitForExit(qemu, 10_000);
}

/** True once the process is gone. */
export async function waitForExit(qemu: QemuProcess, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 1; await isAlive(qemu); pauseMs = Math.min(pauseMs * 2, 50)) {
    if (performance.now() >= deadline) return false;
    await sleep(pauseMs);
  }
  return true;
}

/** What a process that is gone leaves lying about. */
export async function removeSockets(paths: VmPaths): Promise<void> {
  await rm(paths.sockets, { recursive: true, force: true });
}

/** Null for a process that is gone or a zombie. */
async function readStartTicks(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  // The name in brackets may hold spaces and brackets of its own.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  return state === "Z" || state === "X" ? null : Number(fields[19]);
}
