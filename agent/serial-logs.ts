/** Keeps serial logs small. QEMU appends (O_APPEND), so a log that is cut in place goes on from its new end. */
import { open } from "node:fs/promises";
import type { HostPaths } from "./paths.ts";

const maxBytes = 4_194_304;
const keepBytes = 262_144;

export async function trimSerialLogs(paths: HostPaths, vmIds: readonly string[], log: (line: string) => void) {
  for (const vmId of vmIds) {
    await trim(paths.vm(vmId).serialLog).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") log(`The serial log of ${vmId} could not be trimmed: ${error.message}`);
    });
  }
}

/** What the guest writes between reading the tail and cutting is lost; a log is not a record. */
export async function trim(path: string, max = maxBytes, keep = keepBytes): Promise<void> {
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    if (size <= max) return;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(keep), 0, keep, size - keep);
    await file.truncate(0);
    await file.write(buffer, 0, bytesRead, 0);
  } finally {
    await file.close();
  }
}
