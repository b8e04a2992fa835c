/** Headers made by hand and by qemu-img. What is refused here no other program has seen. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkImage } from "../../agent/image-check.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-check-"));
  path = join(folder, "image");
});

afterEach(() => rmSync(folder, { recursive: true }));

function qemuImg(...args: string[]): void {
  execFileSync("qemu-img", args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** A good qcow2 of 1 GiB with bytes changed, by their offset. */
function qcow2With(change: (header: Buffer) => void, options = "compat=1.1"): string {
  qemuImg("create", "-q", "-f", "qcow2", "-o", options, path, "1G");
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
  return path;
}

describe("qcow2", () => {
  it.for([
    "compat=1.1",
    "compat=0.10",
    "compression_type=zstd",
    "extended_l2=on",
    "cluster_size=2M",
    "cluster_size=512",
  ])("is let through as qemu-img makes it with %s", async (options) => {
    qemuImg("create", "-q", "-f", "qcow2", "-o", options, path, "1G");

    expect(await checkImage(path, "qcow2")).toEqual({ virtualBytes: 1024 ** 3 });
  });

  it.for([
    ["a backing file", "names a backing file", (h: Buffer) => h.writeBigUInt64BE(200n, 8)],
    ["a backing file's name alone", "names a backing file", (h: Buffer) => h.writeUInt32BE(9, 16)],
    ["encryption", "is encrypted", (h: Buffer) => h.writeUInt32BE(2, 32)],
    ["version 4", "qcow2 of version 4", (h: Buffer) => h.writeUInt32BE(4, 4)],
    ["version 1", "qcow2 of version 1", (h: Buffer) => h.writeUInt32BE(1, 4)],
    ["snapshots", "has snapshots", (h: Buffer) => h.writeUInt32BE(1, 60)],
    ["tiny clusters", "clusters have 8 bits", (h: Buffer) => h.writeUInt32BE(8, 20)],
    ["giant clusters", "clusters have 40 bits", (h: Buffer) => h.writeUInt32BE(40, 20)],
    ["a dirty bit", "not allowed (0x1)", (h: Buffer) => h.writeBigUInt64BE(1n, 72)],
    ["a corrupt bit", "not allowed (0x2)", (h: Buffer) => h.writeBigUInt64BE(2n, 72)],
    ["a data file's bit", "not allowed (0x4)", (h: Buffer) => h.writeBigUInt64BE(4n, 72)],
    ["a feature of the future", "not allowed (0x8000000000000000)", (h: Buffer) => h.writeBigUInt64BE(1n << 63n, 72)],
    ["a giant L1 table", "L1 table has 4294967295", (h: Buffer) => h.writeUInt32BE(0xffffffff, 36)],
    ["an L1 table that is too short", "L1 table has 1 entries", (h: Buffer) => h.writeUInt32BE(1, 36)],
    ["an L1 table outside of the file", "L1 table is out of place", (h: Buffer) => h.writeBigUInt64BE(1n << 40n, 40)],
    ["an L1 table across clusters", "L1 table is out of place", (h: Buffer) => h.writeBigUInt64BE(12345n, 40)],
    ["a giant refcount table", "refcount table has", (h: Buffer) => h.writeUInt32BE(0xffffffff, 56)],
    ["no refcount table", "refcount table has 0 bytes", (h: Buffer) => h.writeUInt32BE(0, 56)],
    ["wide refcounts", "refcounts are too wide", (h: Buffer) => h.writeUInt32BE(7, 96)],
    ["a short header", "header's length is wrong", (h: Buffer) => h.writeUInt32BE(72, 100)],
    ["a giant header", "header's length is wrong", (h: Buffer) => h.writeUInt32BE(0x7ffffff8, 100)],
    ["an unknown compression", "compressed in an unknown way", (h: Buffer) => h.writeUInt8(7, 104)],
    ["a data file's name", "names a data file", (h: Buffer) => h.writeUInt32BE(0x44415441, 112)],
    ["an extension without end", "extensions are out of bounds", (h: Buffer) => h.writeUInt32BE(0xfffffff0, 116)],
    ["no disk", "is empty", (h: Buffer) => h.writeBigUInt64BE(0n, 24)],
  ] as const)("is unsafe with %s", async ([, reason, change]) => {
    await expect(checkImage(qcow2With(change), "qcow2")).rejects.toMatchObject({
      code: "IMAGE_UNSAFE",
      message: expect.stringContaining(reason) as string,
    });
  });

  it("is unsafe with a real backing file, and with a real data file", async () => {
    qemuImg("create", "-q", "-f", "raw", join(folder, "secret"), "1M");
    qemuImg("create", "-q", "-f", "qcow2", "-b", join(folder, "secret"), "-F", "raw", path);
    await expect(checkImage(path, "qcow2")).rejects.toMatchObject({ code: "IMAGE_UNSAFE" });
    qemuImg("create", "-q", "-f", "qcow2", "-o", `data_file=${join(folder, "data")},data_file_raw=on`, path, "1M");
    await expect(checkImage(path, "qcow2")).rejects.toMatchObject({ code: "IMAGE_UNSAFE" });
  });

  it.for([1n << 60n, (1n << 64n) - 1n, 16_385n << 30n])("is too large as a disk of %d bytes", async (bytes) => {
    await expect(
      checkImage(
        qcow2With((header) => header.writeBigUInt64BE(bytes, 24)),
        "qcow2",
      ),
    ).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
    });
  });

  it("is unsafe when it is cut short, empty, or something else", async () => {
    for (const content of [Buffer.alloc(0), Buffer.from("QFI\xfb", "latin1"), Buffer.from("<html>login</html>")]) {
      writeFileSync(path, content);
      await expect(checkImage(path, "qcow2")).rejects.toMatchObject({ code: "IMAGE_UNSAFE" });
    }
  });
});

describe("raw", () => {
  it("is let through, bootable or not, and an ISO too", async () => {
    const disk = Buffer.alloc(4096);
    disk.set([0xeb, 0x63, 0x90]);
    disk.set([0x55, 0xaa], 510);
    writeFileSync(path, disk);
    expect(await checkImage(path, "raw")).toEqual({ virtualBytes: 4096 });

    writeFileSync(join(folder, "file"), "hello");
    execFileSync("genisoimage", ["-quiet", "-output", path, join(folder, "file")]);
    expect((await checkImage(path, "raw")).virtualBytes).toBeGreaterThan(32_768);
  });

  it.for(["qcow2", "qed", "vdi", "vhdx", "vmdk", "vpc", "parallels", "qcow"])(
    "is unsafe when it is %s",
    async (format) => {
      qemuImg("create", "-q", "-f", format, path, "10M");

      await expect(checkImage(path, "raw")).rejects.toMatchObject({ code: "IMAGE_UNSAFE" });
    },
  );

  it("is unsafe when it is a VMDK's descriptor, which names other files", async () => {
    writeFileSync(path, '# Disk DescriptorFile\nversion=1\nRW 2048 FLAT "/etc/shadow" 0\n');

    await expect(checkImage(path, "raw")).rejects.toThrow("it is said to be raw and is VMDK");
  });

  it("is unsafe when it ends like a DMG or a VHD", async () => {
    for (const magic of ["koly", "conectix"]) {
      const bytes = Buffer.alloc(2048);
      bytes.write(magic, 2048 - 512);
      writeFileSync(path, bytes);
      await expect(checkImage(path, "raw")).rejects.toMatchObject({ code: "IMAGE_UNSAFE" });
    }
  });

  it("is unsafe when it is packed or empty", async () => {
    for (const content of [Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.from("\xfd7zXZ\0", "latin1"), Buffer.alloc(0)]) {
      writeFileSync(path, content);
      await expect(checkImage(path, "raw")).rejects.toMatchObject({ code: "IMAGE_UNSAFE" });
    }
  });
});
