/**
 * Makes the guest's root file system as a plain folder: programs and libraries from the packages, the files of `rootfs/`.
 *
 * The folder's owners are whoever builds; `disk.ts` gives everything to root.
 */
import { chmod, copyFile, cp, lutimes, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { installModules, onDemandModules } from "./kernel-modules.ts";
import type { Unpacked } from "./unpacked.ts";
import { walk } from "./walk.ts";

const programs = [
  "bin/busybox",
  "bin/dropbearkey",
  "bin/partx",
  "sbin/dropbear",
  "sbin/qemu-ga",
  "sbin/really",
  "sbin/resize2fs",
  "sbin/sfdisk",
];

/** One folder for programs and one for libraries; the other names that people and programs use lead there. */
const links: Readonly<Record<string, string>> = {
  bin: "usr/bin",
  sbin: "usr/bin",
  "usr/sbin": "bin",
  lib: "usr/lib",
  lib64: "usr/lib64",
  "var/run": "../run",
  "etc/mtab": "../proc/mounts",
};

const folders = [
  ...["usr/bin", "usr/lib64", "usr/lib/x86_64-linux-gnu"],
  ...["dev", "proc", "run", "sys", "tmp"],
  ...["etc/dropbear", "home", "mnt", "root", "var/lib/tiny", "var/log"],
];

/** Everything else is 0755 where it is a folder or a program, and 0644. */
const modes: Readonly<Record<string, number>> = {
  "etc/inittab": 0o664,
  "etc/shadow": 0o600,
  root: 0o700,
  tmp: 0o1777,
  "usr/bin/really": 0o4755,
};

/** Stands everywhere instead of the hour of the build, so that the same packages make the same image. In seconds. */
export const buildTime = 1_700_000_000;

/** `ownFiles` is the folder `rootfs`. */
export async function makeRootTree(root: string, version: string, unpacked: Unpacked, ownFiles: string): Promise<void> {
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));

  await installPrograms(programs, unpacked, root);
  await copyOwnFiles(ownFiles, root);
  await writeFile(join(root, "etc/os-release"), `VERSION_ID="${version}"\n`, { flag: "a" });

  const everyBoot = (await readFile(join(ownFiles, "etc/modules"), "utf8"))
    .split("\n")
    .filter((line) => line && !line.startsWith("#"));
  await installModules([...everyBoot, ...onDemandModules], unpacked, root);
  await settle(root);
}

/** Copies programs with the libraries and the loader that they need; busybox with all its names. */
export async function installPrograms(names: readonly string[], unpacked: Unpacked, root: string): Promise<void> {
  const bin = join(root, "usr/bin");
  for (const program of names) await copyFile(unpacked.path(program), join(bin, basename(program)));

  await copyFile(unpacked.loader, join(root, "usr/lib64", basename(unpacked.loader)));
  for (const [name, path] of await unpacked.librariesOf(names)) {
    await copyFile(path, join(root, "usr/lib/x86_64-linux-gnu", name));
  }

  const { stdout } = await unpacked.run("bin/busybox", ["--list"]);
  const applets = stdout.split("\n").filter((name) => name && name !== "busybox");
  for (const applet of applets) await symlink("busybox", join(bin, applet));
}

/** An own program goes before an applet of busybox with the same name. */
async function copyOwnFiles(ownFiles: string, root: string): Promise<void> {
  for (const { name, path, kind } of await walk(ownFiles)) {
    const target = join(root, name);
    if (kind === "folder") await mkdir(target, { recursive: true });
    else await cp(path, target, { force: true });
  }
}

/** Modes and times come from here, not from the checkout, the umask or the hour of the build. */
export async function settle(root: string): Promise<void> {
  for (const { name, path, kind } of await walk(root)) {
    if (kind !== "link") {
      const isExecutable = kind === "folder" || (await isProgram(path));
      await chmod(path, modes[name] ?? (isExecutable ? 0o755 : 0o644));
    }
    await lutimes(path, buildTime, buildTime);
  }
}

async function isProgram(path: string): Promise<boolean> {
  const start = (await readFile(path)).subarray(0, 4).toString("latin1");
  return start.startsWith("#!") || start === "\x7fELF";
}
