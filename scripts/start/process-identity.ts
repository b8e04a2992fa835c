/** A process by its number and its start: numbers are used again, the two together are not. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: number;
}

/** Null where there is no such process, or only its remains. */
export function identify(pid: number): ProcessIdentity | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // The name in brackets may hold spaces and brackets of its own.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return null;
  return { pid, startTicks: Number(fields[19]) };
}

export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  return identify(pid)?.startTicks === startTicks;
}

/** Gives it the time to end by itself, then kills it. */
export async function awaitEnd(process_: ProcessIdentity, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs;
  while (isAlive(process_)) {
    if (performance.now() > deadline) process.kill(process_.pid, "SIGKILL");
    await sleep(20);
  }
}
