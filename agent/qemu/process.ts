/**
 * QEMU as a process: started in a session of its own, found again by whoever comes next, and ended by number.
 *
 * It is started without `-daemonize`, which forks: the sandbox that forbids QEMU to start programs would kill it.
 */
import { type FSWatcher, watch } from "node:fs";
import { open, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError, printable } from "../errors.ts";
import type { VmPaths } from "../paths.ts";
import { launch } from "../run.ts";
import { Qmp, QmpLost } from "./qmp.ts";

export interface QemuProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. A pid is used again some day, never with the same start. */
  readonly startTicks: number;
}

/** A host on which many machines start at once is slow; one that needs longer is broken. */
const startTimeoutMs = 30_000;

/** Resolves when the monitor answers and the guest runs. Errors: QEMU_FAILED with QEMU's own words; then nothing runs. */
export async function startQemu(args: readonly string[], paths: VmPaths): Promise<{ qemu: QemuProcess; qmp: Qmp }> {
  const logStart = await sizeOf(paths.qemuLog);
  const listening = whenThere(paths.qmp, startTimeoutMs);
  const launched = await launch("qemu-system-x86_64", args, paths.qemuLog);
  const failed = launched.ended.then(async (how) => {
    const words = printable(await readFrom(paths.qemuLog, logStart)) || "it said nothing";
    throw new HostError("QEMU_FAILED", `QEMU ended with ${how}: ${words}`);
  });
  failed.catch(() => {});

  const startTicks = await readStartTicks(launched.pid);
  if (startTicks === null) return failed;
  const qemu = { pid: launched.pid, startTicks };
  try {
    await Promise.race([listening.promise, failed]);
    const qmp = await Promise.race([connectMonitor(qemu, paths, startTimeoutMs), failed]);
    if ((await readPid(paths)) === qemu.pid) return { qemu, qmp };
    qmp.close();
    throw new Error("another process answers in its place");
  } catch (error) {
    // A connection that broke because QEMU ends tells nothing; QEMU's own words do.
    if (await waitForExit(qemu, 200)) return await failed;
    await killQemu(qemu);
    throw new HostError("QEMU_FAILED", `QEMU was started and its monitor is silent: ${(error as Error).message}`);
  } finally {
    listening.stop();
  }
}

/** The monitor of a living process, which may just be starting. Errors: `QmpLost`. */
export async function connectMonitor(qemu: QemuProcess, paths: VmPaths, timeoutMs: number): Promise<Qmp> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const left = Math.max(deadline - performance.now(), 1);
    try {
      return await Qmp.connect(paths.qmp, left);
    } catch (error) {
      const notListening = error instanceof QmpLost && (error.code === "ENOENT" || error.code === "ECONNREFUSED");
      if (!notListening || left <= pauseMs || !(await isAlive(qemu))) throw error;
    }
    await sleep(pauseMs);
  }
}

/** The living process of this very machine; null when there is none. */
export async function findQemu(vmId: string, paths: VmPaths): Promise<QemuProcess | null> {
  return identify(await readPid(paths), vmId, paths);
}

/** As `findQemu`, without the pid file: slow, and for where something holds the machine's files. */
export async function searchQemu(vmId: string, paths: VmPaths): Promise<QemuProcess | null> {
  for (const name of await readdir("/proc")) {
    const found = /^\d+$/.test(name) ? await identify(Number(name), vmId, paths) : null;
    if (found) return found;
  }
  return null;
}

export async function isAlive(qemu: QemuProcess): Promise<boolean> {
  return (await readStartTicks(qemu.pid)) === qemu.startTicks;
}

/** SIGKILL, and the certainty that it is gone. Harmless for one that is gone already. Errors: QEMU_FAILED. */
export async function killQemu(qemu: QemuProcess): Promise<void> {
  if (await isAlive(qemu)) process.kill(qemu.pid, "SIGKILL");
  if (await waitForExit(qemu, 10_000)) return;
  throw new HostError("QEMU_FAILED", `QEMU (process ${qemu.pid}) was killed and does not end: its storage may hang`);
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
export async function removeTraces(paths: VmPaths): Promise<void> {
  await rm(paths.sockets, { recursive: true, force: true });
  await rm(paths.pidFile, { force: true });
}

/** NaN or 0 where there is none. */
async function readPid(paths: VmPaths): Promise<number> {
  return Number((await readFile(paths.pidFile, "utf8").catch(() => "")).trim());
}

async function identify(pid: number, vmId: string, paths: VmPaths): Promise<QemuProcess | null> {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const args = command.split("\0");
  // Another process may have the number by now, or another agent's machine.
  const isOurs = args[args.indexOf("-name") + 1]?.startsWith(`${vmId},`) && args.includes(paths.pidFile);
  const startTicks = isOurs ? await readStartTicks(pid) : null;
  return startTicks === null ? null : { pid, startTicks };
}

/** Null for a process that is gone, or a zombie all of whose threads are: until then they hold its files and locks. */
async function readStartTicks(pid: number): Promise<number | null> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (line === null) return null;
  // The name in brackets may hold spaces and brackets of its own.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state, threads, startTicks] = [fields[0], Number(fields[17]), Number(fields[19])];
  const isGone = (state === "Z" || state === "X") && threads <= 1;
  return isGone ? null : startTicks;
}

/** Resolves when the file is there: at once by inotify, and within 50 ms on a host that has no watches left. */
function whenThere(path: string, timeoutMs: number): { promise: Promise<void>; stop(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {});
  const look = () =>
    void stat(path).then(
      () => resolve(),
      () => {},
    );
  const looking = setInterval(look, 50);
  const tooLate = setTimeout(() => reject(new Error(`no socket after ${timeoutMs / 1000} s`)), timeoutMs);
  let watcher: FSWatcher | null = null;
  try {
    watcher = watch(dirname(path), (_, name) => {
      if (name === basename(path)) resolve();
    }).on("error", () => {});
  } catch {
    // Without a watch it takes a little longer.
  }
  const stop = () => {
    clearInterval(looking);
    clearTimeout(tooLate);
    watcher?.close();
  };
  return { promise, stop };
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function readFrom(file: string, offset: number): Promise<string> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.alloc(65_536);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}
