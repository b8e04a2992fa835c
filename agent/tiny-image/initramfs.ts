/** Packs the initramfs: busybox, the disk drivers and `initramfs/init`, as a gzipped cpio archive (format "newc"). */
import { copyFile, lstat, mkdir, readFile, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { diskModules, installModules } from "./kernel-modules.ts";
import { installPrograms, settle } from "./root-tree.ts";
import type { Unpacked } from "./unpacked.ts";
import { walk } from "./walk.ts";

const folders = ["usr/bin", "usr/lib64", "usr/lib/x86_64-linux-gnu", "dev", "proc", "root", "sys"];
const links = { bin: "usr/bin", sbin: "usr/bin", lib: "usr/lib", lib64: "usr/lib64" };

/** `folder` is a place to work in, `init` the file of that name. */
export async function makeInitramfs(folder: string, unpacked: Unpacked, init: string): Promise<Buffer> {
  for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  for (const [name, target] of Object.entries(links)) await symlink(target, join(folder, name));

  await installPrograms(["bin/busybox"], unpacked, folder);
  await installModules(diskModules, unpacked, folder);
  await copyFile(init, join(folder, "init"));
  await settle(folder);
  return gzipSync(await archive(folder), { level: 9 });
}

async function archive(folder: string): Promise<Buffer> {
  const entries: Buffer[] = [];
  for (const { name, path, kind } of await walk(folder)) {
    const { mode } = await lstat(path);
    const content = kind === "file" ? await readFile(path) : Buffer.from(kind === "link" ? await readlink(path) : "");
    entries.push(entry(name, mode, entries.length + 1, content));
  }
  return Buffer.concat([...entries, entry("TRAILER!!!", 0, 0, Buffer.alloc(0))]);
}

/** Thirteen fields of eight hexadecimal digits, the name, the content; name and content are padded to four bytes. */
function entry(name: string, mode: number, inode: number, content: Buffer): Buffer {
  const [owner, group, links, time] = [0, 0, 1, 0];
  const devices = [0, 0, 0, 0];
  const checksum = 0;
  const attributes = [inode, mode, owner, group, links, time, content.length];
  const fields = [...attributes, ...devices, name.length + 1, checksum];
  const header = "070701" + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return Buffer.concat([padded(Buffer.from(`${header}${name}\0`)), padded(content)]);
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}
