/** A machine's disk: a qcow2 that holds what differs from its image. The image is never written. */
import { open, rename, rm } from "node:fs/promises";
import { HostError } from "./errors.ts";
import { checkImage } from "./image-check.ts";
import { run } from "./run.ts";

/** `QFI\xfb` */
const qcow2Magic = 0x514649fb;

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

/** Grows the disk of a machine that is off. One that runs holds a lock on it, and qemu-img then refuses. */
export async function growDisk(path: string, sizeGib: number): Promise<void> {
  await run("qemu-img", ["resize", "-q", "-f", "qcow2", path, `${sizeGib}G`]);
}

/** The size that the guest sees, from the header of our own disk. Errors: HOST_ERROR. */
export async function diskBytes(path: string): Promise<number> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0);
    if (bytesRead < 32 || buffer.readUInt32BE(0) !== qcow2Magic) throw new HostError("HOST_ERROR", "Not a qcow2 disk");
    return Number(buffer.readBigUInt64BE(24));
  } finally {
    await file.close();
  }
}
