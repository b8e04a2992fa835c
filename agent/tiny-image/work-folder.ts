/** A folder for as long as a task takes. What a killed process left is removed by the next one that works there. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const prefix = ".tiny-work-";

export async function inWorkFolder<T>(parent: string, task: (folder: string) => Promise<T>): Promise<T> {
  await removeLeftOvers(parent);
  const folder = await mkdtemp(join(parent, `${prefix}${process.pid}-`));
  try {
    return await task(folder);
  } finally {
    // Retries, since what an aborted tool had started may take a moment to end.
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function removeLeftOvers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (pid > 0 && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
