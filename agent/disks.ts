/** A machine's disk: a qcow2 that holds what differs from its image. The image is never written. */
import { rename, rm } from "node:fs/promises";
import { HostError } from "./errors.ts";
import { run } from "./run.ts";

export interface LinkedDisk {
  readonly vmId: string;
  /** Absolute path of a verified image. */
  readonly base: string;
  readonly baseFormat: "qcow2" | "raw";
  readonly path: string;
  readonly sizeGib: number;
}

/** Made beside and renamed, so that a disk which is there is whole. Errors: IMAGE_TOO_LARGE, NO_SPACE, HOST_ERROR. */
export async function createLinkedDisk({ vmId, base, baseFormat, path, sizeGib }: LinkedDisk): Promise<void> {
  const beside = `${path}.new`;
  try {
    await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", baseFormat, beside, `${sizeGib}G`], { vmId });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** GiB that an image of `virtualBytes` needs at least. Errors: IMAGE_TOO_LARGE. */
export function assertFits(virtualBytes: number, sizeGib: number): void {
  const needed = Math.ceil(virtualBytes / 1024 ** 3);
  if (needed > sizeGib) {
    throw new HostError("IMAGE_TOO_LARGE", `The image needs a disk of ${needed} GiB and the machine's has ${sizeGib}`);
  }
}
