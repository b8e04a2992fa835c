import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createLinkedDisk } from "../../agent/disks.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-disks-"));
  path = join(folder, "disk.qcow2");
});

afterEach(() => rmSync(folder, { recursive: true }));

function makeBase(format: "qcow2" | "raw", size: string): string {
  const base = join(folder, `base.${format}`);
  execFileSync("qemu-img", ["create", "-q", "-f", format, base, size]);
  return base;
}

it.for(["qcow2", "raw"] as const)("links a disk to a %s image, with the format written out", async (baseFormat) => {
  const base = makeBase(baseFormat, "100M");
  const before = readFileSync(base);
  await createLinkedDisk({ base, baseFormat, path, sizeGib: 3 });

  const info = JSON.parse(execFileSync("qemu-img", ["info", "--output=json", path]).toString()) as object;
  expect(info).toMatchObject({
    format: "qcow2",
    "virtual-size": 3 * 1024 ** 3,
    "backing-filename": base,
    "backing-filename-format": baseFormat,
  });
  expect(readFileSync(base).equals(before)).toBe(true);
});

it("replaces what an agent that was killed left beside it", async () => {
  writeFileSync(`${path}.new`, "half");
  await createLinkedDisk({ base: makeBase("qcow2", "1G"), baseFormat: "qcow2", path, sizeGib: 1 });

  expect(readdirSync(folder).toSorted()).toEqual(["base.qcow2", "disk.qcow2"]);
});

it("refuses an image that the disk would cut off", async () => {
  const base = makeBase("qcow2", "1025M");

  await expect(createLinkedDisk({ base, baseFormat: "qcow2", path, sizeGib: 1 })).rejects.toMatchObject({
    code: "IMAGE_TOO_LARGE",
    message: "The image needs a disk of 2 GiB and the machine's has 1",
  });
  expect(readdirSync(folder)).toEqual(["base.qcow2"]);
});

it("does not take a raw image for qcow2 because of what is written in it, nor the other way round", async () => {
  const qcow2 = makeBase("qcow2", "1M");
  await expect(createLinkedDisk({ base: qcow2, baseFormat: "raw", path, sizeGib: 1 })).rejects.toMatchObject({
    code: "IMAGE_UNSAFE",
  });
  const raw = makeBase("raw", "1M");
  await expect(createLinkedDisk({ base: raw, baseFormat: "qcow2", path, sizeGib: 1 })).rejects.toMatchObject({
    code: "IMAGE_UNSAFE",
  });
});
