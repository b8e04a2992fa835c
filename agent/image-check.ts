/**
 * Reads an image's header before any other program sees the file. A header can name other files of the host, and can
 * make qemu-img take hours or all memory, so only what we know is let through.
 *
 * https://www.qemu.org/docs/master/interop/qcow2.html
 */
import { type FileHandle, open } from "node:fs/promises";
import { vmBounds } from "../protocol/vm.ts";
import { HostError } from "./errors.ts";

export interface ImageHeader {
  /** Size of the disk that a guest sees. */
  readonly virtualBytes: number;
}

const gib = 1024 ** 3;
const maxVirtualBytes = vmBounds.disk.max * gib;
const qcow2Magic = "QFI\xfb";

/** Compression type and extended L2 entries. Not: dirty, corrupt, a data file of its own, and what is yet to come. */
const allowedIncompatible = 0b11000n;
const dataFileName = 0x44415441;
/** In bytes; QEMU's own limits. */
const maxL1Bytes = 32 * 1024 ** 2;
const maxRefcountTableBytes = 8 * 1024 ** 2;

/** What the formats that we refuse begin with, or end with, at an offset. */
const foreignFormats: readonly (readonly [name: string, offset: number, magic: string])[] = [
  ["qcow2", 0, qcow2Magic],
  ["VMDK", 0, "KDMV"],
  ["VMDK", 0, "COWD"],
  ["VMDK", 0, "# Disk DescriptorFile"],
  ["VHDX", 0, "vhdxfile"],
  ["VHD", 0, "conectix"],
  ["VHD", -512, "conectix"],
  ["VDI", 64, "\x7f\x10\xda\xbe"],
  ["QED", 0, "QED\0"],
  ["DMG", -512, "koly"],
  ["LUKS", 0, "LUKS\xba\xbe"],
  ["Parallels", 0, "WithoutFreeSpace"],
  ["Parallels", 0, "WithouFreSpacExt"],
  ["bochs", 0, "Bochs Virtual HD Image"],
  ["cloop", 0, "#!/bin/sh\n#V2.0 Format"],
  ["gzip", 0, "\x1f\x8b"],
  ["xz", 0, "\xfd7zXZ\0"],
  ["zstd", 0, "\x28\xb5\x2f\xfd"],
];

/** Errors: IMAGE_UNSAFE, IMAGE_TOO_LARGE. */
export async function checkImage(path: string, format: "qcow2" | "raw"): Promise<ImageHeader> {
  const file = await open(path, "r");
  try {
    return format === "qcow2" ? await checkQcow2(file) : await checkRaw(file);
  } finally {
    await file.close();
  }
}

/** An ISO is raw too: a disk that is read-only by nature. */
async function checkRaw(file: FileHandle): Promise<ImageHeader> {
  const { size } = await file.stat();
  if (size === 0) throw unsafe("it is empty");
  const start = (await read(file, 0, 512)).toString("latin1");
  const end = (await read(file, Math.max(0, size - 512), 512)).toString("latin1");
  for (const [name, offset, magic] of foreignFormats) {
    const isIt = offset < 0 ? end.startsWith(magic) : start.startsWith(magic, offset);
    if (isIt) throw unsafe(`it is said to be raw and is ${name}`);
  }
  return { virtualBytes: bounded(BigInt(size)) };
}

async function checkQcow2(file: FileHandle): Promise<ImageHeader> {
  const { size } = await file.stat();
  const header = await read(file, 0, 112);
  if (header.toString("latin1", 0, 4) !== qcow2Magic) throw unsafe("it is not qcow2");
  if (header.length < 104) throw unsafe("its header is cut short");
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unsafe(`it is qcow2 of version ${version}`);
  if (header.readBigUInt64BE(8) !== 0n || header.readUInt32BE(16) !== 0) throw unsafe("it names a backing file");
  if (header.readUInt32BE(32) !== 0) throw unsafe("it is encrypted");
  if (header.readUInt32BE(60) !== 0) throw unsafe("it has snapshots in it");

  const clusterBits = header.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw unsafe(`its clusters have ${clusterBits} bits`);
  const clusterBytes = 2 ** clusterBits;
  const virtualBytes = bounded(header.readBigUInt64BE(24));
  if (virtualBytes === 0) throw unsafe("it is empty");
  if (version === 3) checkFeatures(header, clusterBytes);

  // An L1 entry stands for one cluster full of L2 entries, which have 8 bytes, or 16 where they are extended.
  const l2EntryBytes = version === 3 && (header.readBigUInt64BE(72) & 0b10000n) !== 0n ? 16 : 8;
  const l1Needed = Math.ceil(virtualBytes / ((clusterBytes / l2EntryBytes) * clusterBytes));
  const l1Entries = header.readUInt32BE(36);
  if (l1Entries < l1Needed || l1Entries * 8 > maxL1Bytes) throw unsafe(`its L1 table has ${l1Entries} entries`);
  checkTable("L1 table", header.readBigUInt64BE(40), l1Entries * 8, clusterBytes, size);
  const refcountBytes = header.readUInt32BE(56) * clusterBytes;
  if (refcountBytes === 0 || refcountBytes > maxRefcountTableBytes) {
    throw unsafe(`its refcount table has ${refcountBytes} bytes`);
  }
  checkTable("refcount table", header.readBigUInt64BE(48), refcountBytes, clusterBytes, size);

  const headerBytes = version === 3 ? header.readUInt32BE(100) : 72;
  await checkExtensions(file, headerBytes, clusterBytes);
  return { virtualBytes };
}

function checkFeatures(header: Buffer, clusterBytes: number): void {
  const incompatible = header.readBigUInt64BE(72);
  if ((incompatible & ~allowedIncompatible) !== 0n) {
    throw unsafe(`it was not closed, or needs features that are not allowed (0x${incompatible.toString(16)})`);
  }
  if (header.readUInt32BE(96) > 6) throw unsafe("its refcounts are too wide");
  const headerBytes = header.readUInt32BE(100);
  if (headerBytes < 104 || headerBytes > clusterBytes || headerBytes % 8 !== 0)
    throw unsafe("its header's length is wrong");
  const compression = headerBytes > 104 ? header.readUInt8(104) : 0;
  if (compression > 1) throw unsafe(`it is compressed in an unknown way (${compression})`);
}

function checkTable(name: string, offset: bigint, bytes: number, clusterBytes: number, fileBytes: number): void {
  const isAligned = offset % BigInt(clusterBytes) === 0n;
  // QEMU writes whole clusters, except perhaps the last one of the file.
  if (!isAligned || (bytes > 0 && offset + BigInt(bytes) > BigInt(fileBytes)))
    throw unsafe(`its ${name} is out of place`);
}

/** Extensions are type, length, and the data padded to 8 bytes. They end with type 0, and with the first cluster. */
async function checkExtensions(file: FileHandle, start: number, clusterBytes: number): Promise<void> {
  const cluster = await read(file, 0, Math.min(clusterBytes, 65_536));
  for (let at = start; at + 8 <= cluster.length;) {
    const type = cluster.readUInt32BE(at);
    if (type === 0) return;
    if (type === dataFileName) throw unsafe("it names a data file");
    const length = cluster.readUInt32BE(at + 4);
    if (length > clusterBytes) throw unsafe("its header extensions are out of bounds");
    at += 8 + Math.ceil(length / 8) * 8;
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function bounded(bytes: bigint): number {
  if (bytes > BigInt(maxVirtualBytes)) {
    throw new HostError(
      "IMAGE_TOO_LARGE",
      `The image is a disk of ${bytes / BigInt(gib)} GiB; at most ${vmBounds.disk.max} are possible`,
    );
  }
  return Number(bytes);
}

function unsafe(reason: string): HostError {
  return new HostError("IMAGE_UNSAFE", `The image is refused: ${reason}`);
}
