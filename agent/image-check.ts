/**
 * Reads an image's header before any other program sees the file. A header can name other files of the host, and
 * can make qemu-img take hours or all memory, so only what we know is let through.
 *
 * Format: https://www.qemu.org/docs/master/interop/qcow2.html
 */
import { open } from "node:fs/promises";
import { HostError } from "./errors.ts";

export interface ImageHeader {
  readonly virtualBytes: number;
}

const qcow2Magic = "QFI\xfb";
const maxVirtualBytes = 16 * 1024 ** 4;
/** Dirty and corrupt bits and compression type are harmless; an external data file, extended L2 and what comes later are not ours. */
const allowedIncompatible = 0b1011n;

/** What formats that we refuse begin with, at an offset. */
const foreign: readonly (readonly [name: string, offset: number, magic: string])[] = [
  ["qcow2", 0, qcow2Magic],
  ["VMDK", 0, "KDMV"],
  ["VMDK", 0, "COWD"],
  ["VMDK", 0, "# Disk DescriptorFile"],
  ["VHDX", 0, "vhdxfile"],
  ["VHD", 0, "conectix"],
  ["QED", 0, "QED\0"],
  ["VDI", 64, "\x7f\x10\xda\xbe"],
  ["LUKS", 0, "LUKS\xba\xbe"],
  ["Parallels", 0, "WithoutFreeSpace"],
  ["Parallels", 0, "WithouFreSpacExt"],
];

/** Errors: IMAGE_UNSAFE, IMAGE_TOO_LARGE. */
export async function checkImage(path: string, format: "qcow2" | "raw"): Promise<ImageHeader> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    const header = buffer.subarray(0, bytesRead);
    const { buffer: trailer } = await file.read(Buffer.alloc(512), 0, 512, Math.max(0, size - 512));
    if (trailer.toString("latin1").startsWith("koly")) throw unsafe("it is a DMG image");
    return format === "qcow2" ? checkQcow2(header) : checkRaw(header, size);
  } finally {
    await file.close();
  }
}

function checkRaw(header: Buffer, size: number): ImageHeader {
  const text = header.toString("latin1");
  const found = foreign.find(([, offset, magic]) => text.startsWith(magic, offset));
  if (found) throw unsafe(`it is said to be raw and begins like ${found[0]}`);
  return { virtualBytes: bounded(BigInt(size)) };
}

function checkQcow2(header: Buffer): ImageHeader {
  if (header.length < 72 || header.toString("latin1", 0, 4) !== qcow2Magic) throw unsafe("it is not a qcow2 image");
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unsafe(`it is qcow2 of version ${version}`);
  if (header.readBigUInt64BE(8) !== 0n || header.readUInt32BE(16) !== 0) throw unsafe("it names a backing file");
  const clusterBits = header.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw unsafe(`its clusters have ${clusterBits} bits`);
  if (header.readUInt32BE(32) !== 0) throw unsafe("it is encrypted");
  const virtualBytes = bounded(header.readBigUInt64BE(24));

  // An L1 entry covers a table of 8-byte entries, one cluster long: what the disk needs, and not a table that fills the memory.
  const bytesAnL1Entry = 2 ** (2 * clusterBits - 3);
  const l1Entries = header.readUInt32BE(36);
  if (l1Entries > Math.ceil(virtualBytes / bytesAnL1Entry) + 65_536) throw unsafe(`its L1 table has ${l1Entries} entries`);
  if (header.readUInt32BE(60) > 65_536) throw unsafe("it has too many internal snapshots");
  if (version === 3) {
    if (header.length < 104) throw unsafe("its header is cut short");
    const incompatible = header.readBigUInt64BE(72);
    if ((incompatible & ~allowedIncompatible) !== 0n) {
      throw unsafe(`it needs features (0x${incompatible.toString(16)}) that are not allowed, such as a data file`);
    }
  }
  return { virtualBytes };
}

function bounded(bytes: bigint): number {
  if (bytes > BigInt(maxVirtualBytes)) {
    throw new HostError("IMAGE_TOO_LARGE", `The image claims a disk of ${bytes / 1024n ** 3n} GiB`);
  }
  return Number(bytes);
}

function unsafe(reason: string): HostError {
  return new HostError("IMAGE_UNSAFE", `The image is refused: ${reason}`);
}
