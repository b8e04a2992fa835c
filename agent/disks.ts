/** A machine's disk: a qcow2 that holds what differs from its image. The image is never written. */
import { rename, rm } from "node:fs/promises";
import { HostError } from "./errors.ts";
import { checkImage } from "./image-check.ts";
import { run } from "./run.ts";

export interface LinkedDisk {
  /** Absolute path of a verified image. The disk needs it, at this very path, for as long as it lives. */
  readonly base: string;
  readonly baseFormat: "qcow2" | "raw";
  readonly path: string;
  readonly sizeGib: number;
}

/**
 * Made beside and renamed, so that a disk which is there is whole.
 *
 * Errors: IMAGE_TOO_LARGE where the image needs a larger disk, NO_SPACE, HOST_ERROR.
 */
export async function createLinkedDisk({ base, baseFormat, path, sizeGib }: LinkedDisk): Promise<void> {
  const { virtualBytes } = await checkImage(base, baseFormat);
  // QEMU would cut the image off without a word.
  if (virtualBytes > sizeGib * 1024 ** 3) {
    const needed = Math.ceil(virtualBytes / 1024 ** 3);
    throw new HostError("IMAGE_TOO_LARGE", `The image needs a disk of ${needed} GiB and the machine's has ${sizeGib}`);
  }
  const beside = `${path}.new`;
  try {
    await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", baseFormat, beside, `${sizeGib}G`]);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
