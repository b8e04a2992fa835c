/** Keeps machines' logs small. QEMU appends to them (O_APPEND), so a log that is cut in place goes on at its new end. */
import { open } from "node:fs/promises";
import type { HostPaths } from "./paths.ts";

const maxBytes = 4_194_304;
const keepBytes = 262_144;

/** The serial console's log, which the guest fills as it likes, and QEMU's own. */
export async function trimSerialLogs(
  paths: HostPaths,
  vmIds: readonly string[],
  log: (line: string) => void,
): Promise<void> {
  for (const { serialLog, qemuLog } of vmIds.map((vmId) => paths.vm(vmId))) {
    for (const path of [serialLog, qemuLog]) {
      await trim(path).catch((error: Error) => log(`${path} could not be trimmed: ${error.message}`));
    }
  }
}

/** Keeps whole lines. What the guest writes between the reading and the cutting is lost: a log is not a record. */
export async function trim(path: string, max: number = maxBytes, keep: number = keepBytes): Promise<void> {
  const file = await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!file) return;
  try {
    const { size } = await file.stat();
    if (size <= max) return;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(keep), 0, keep, size - keep);
    const tail = buffer.subarray(0, bytesRead);
    const lines = tail.subarray(tail.indexOf("\n") + 1);
    await file.truncate(0);
    await file.write(lines.length > 0 ? lines : tail, undefined, undefined, 0);
  } finally {
    await file.close();
  }
}
