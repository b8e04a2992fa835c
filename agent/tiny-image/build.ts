/**
 * Builds `tiny`, the guest that VoidVM brings along: a qcow2 of some 20 MiB that boots in seconds by BIOS and UEFI.
 *
 * Made of Debian's packages alone, by any user, without mounting anything. The output appears whole or not at all;
 * a failure leaves nothing behind but the cache of packages. By hand: `node build.ts OUTPUT [CACHE]`.
 */
import { mkdir, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { bundled } from "../bundled.ts";
import { makeDisk } from "./disk.ts";
import { makeInitramfs } from "./initramfs.ts";
import { provideOwnFiles } from "./own-files.ts";
import { fetchPackages } from "./packages.ts";
import { makeRootTree } from "./root-tree.ts";
import { run } from "./run.ts";
import { Unpacked } from "./unpacked.ts";
import { tinyImageVersion } from "./version.ts";
import { inWorkFolder } from "./work-folder.ts";

export { kernelCommandLine } from "./disk.ts";
export { tinyImageVersion } from "./version.ts";

/** What the building machine must have besides apt and dpkg. All other tools are among the build's own downloads. */
export const tinyImagePackages: string[] = ["qemu-utils"];

/** Where a build by hand, and the tests, keep the packages. */
export const defaultCache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "voidvm/tiny-packages");

export interface BuildTinyImageOptions {
  /** Path of the qcow2, replaced if it exists. */
  output: string;
  /** Folder for the downloaded packages, about 40 MiB; builds may share it, even at the same time. */
  cache: string;
  log?: (line: string) => void;
  /** Aborting ends the tool that runs and removes what was built so far. */
  signal?: AbortSignal;
}

export async function buildTinyImage({ output, cache, log = () => {}, signal }: BuildTinyImageOptions): Promise<void> {
  const target = resolve(output);
  // Needed last, but a machine that lacks it should hear so before it has downloaded anything.
  await run("qemu-img", ["--version"], { signal });
  const packages = await fetchPackages(resolve(cache), log, signal);

  // Beside the output, so that the last step is a rename within one file system.
  await mkdir(dirname(target), { recursive: true });
  await inWorkFolder(dirname(target), async (folder) => {
    log(`unpacking ${packages.length} Debian packages`);
    const unpacked = await Unpacked.from(packages, join(folder, "packages"), signal);

    log("making the root file system");
    const root = join(folder, "root");
    const own = await provideOwnFiles(join(folder, "own"));
    await makeRootTree(root, tinyImageVersion(), unpacked, join(own, "rootfs"));
    const initramfs = await makeInitramfs(join(folder, "initramfs"), unpacked, join(own, "initramfs/init"));

    log("making the disk");
    const image = join(folder, "tiny.qcow2");
    await makeDisk({ root, initramfs }, folder, image, unpacked, signal);
    signal?.throwIfAborted();
    await rename(image, target);
  });
  log(`made version ${tinyImageVersion()}`);
}

// In a bundle every module is the one that was started.
if (!bundled && process.argv[1] && resolve(process.argv[1]) === import.meta.filename) {
  const [, , output, cache = defaultCache] = process.argv;
  if (!output) {
    console.error("usage: node build.ts OUTPUT [CACHE]");
    process.exit(2);
  }
  await buildTinyImage({ output, cache, log: (line) => console.error(line) });
}
