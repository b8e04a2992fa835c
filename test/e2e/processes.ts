/** What runs on this machine, read from /proc: the tests' own witness of processes, beside what the API says. */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Field 22 of /proc/PID/stat: with it, a pid that was used again is not mistaken for the old process. */
  readonly startTicks: number;
  readonly command: readonly string[];
}

export function allProcesses(): ProcessInfo[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => readProcess(Number(pid))).filter((process) => process !== null);
}

/** Zombies have no command line and don't count as running. */
export function readProcess(pid: number): ProcessInfo | null {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold spaces and brackets of its own.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (command.length === 0) return null;
    return { pid, parent: Number(fields[1]), startTicks: Number(fields[19]), command };
  } catch {
    return null;
  }
}

/** A process and everything below it, itself first. */
export function descendants(root: number): ProcessInfo[] {
  const all = allProcesses();
  const found = all.filter(({ pid }) => pid === root);
  for (let index = 0; index < found.length; index++) {
    found.push(...all.filter(({ parent }) => parent === found[index]?.pid));
  }
  return found;
}

export function isQemu({ command }: ProcessInfo): boolean {
  return command[0]?.includes("qemu-system") ?? false;
}

/** The QEMU processes whose arguments name something below `folder`. */
export function qemusOf(folder: string): ProcessInfo[] {
  return allProcesses().filter(
    (process) => isQemu(process) && process.command.some((argument) => argument.includes(folder)),
  );
}
