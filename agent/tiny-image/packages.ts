/** Fetches the Debian packages that tiny is made of, and those whose tools make it, into a cache. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { run } from "./run.ts";
import { inWorkFolder } from "./work-folder.ts";

/** Depends on the kernel package of the day, the only one of its dependencies that is taken. */
const kernelMetaPackage = "linux-image-cloud-amd64";

const guestPackages = [
  "busybox", // the dynamic one: the static one's wget crashes, since glibc can't resolve names in it
  "chiark-really", // behind sudo; Debian's sudo would bring PAM along
  "dropbear-bin",
  "e2fsprogs", // resize2fs for the guest; mke2fs and debugfs for the builder
  "fdisk", // sfdisk, for both
  "qemu-guest-agent",
  "util-linux", // partx, which gets by with the libraries of fdisk
];

const builderPackages = ["dosfstools", "mtools", "syslinux", "syslinux-common", "systemd-boot-efi"];

/** Libraries come by way of the packages that need them. Nothing else that those name is wanted: no init system, no perl. */
const isLibrary = (name: string) => /^(lib|zlib1g)/.test(name);

interface Download {
  name: string;
  sha256: string;
}

/** Returns the paths of the packages in the cache, each of them verified against apt's signed lists. */
export async function fetchPackages(
  cache: string,
  log: (line: string) => void,
  signal?: AbortSignal,
): Promise<string[]> {
  await mkdir(cache, { recursive: true });
  const downloads = await listDownloads(await resolvePackages(signal), signal);

  const missing: Download[] = [];
  for (const download of downloads) if (!(await isCached(cache, download))) missing.push(download);
  if (missing.length > 0) {
    log(`downloading ${missing.length} Debian packages`);
    await downloadInto(cache, missing, signal);
  }

  return downloads.map(({ name }) => join(cache, name));
}

async function resolvePackages(signal?: AbortSignal): Promise<string[]> {
  const wanted = [kernelMetaPackage, ...guestPackages, ...builderPackages];
  const dependencies = await readDependencies(wanted, signal);

  const kernel = dependencies.get(kernelMetaPackage)?.find((name) => name.startsWith("linux-image-"));
  if (!kernel) throw new Error(`${kernelMetaPackage} names no kernel package`);

  const found = new Set([...guestPackages, ...builderPackages]);
  // A set that grows while it is walked also yields what is added.
  for (const name of found) {
    if (name === "util-linux") continue;
    for (const library of dependencies.get(name)?.filter(isLibrary) ?? []) found.add(library);
  }
  return [kernel, ...found].sort();
}

/** Each package's direct dependencies, of everything that can be reached from the wanted packages. */
async function readDependencies(wanted: string[], signal?: AbortSignal): Promise<Map<string, string[]>> {
  const none = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map((kind) => `--no-${kind}`);
  const { stdout } = await withAdvice(run("apt-cache", ["depends", "--recurse", ...none, ...wanted], { signal }));

  const dependencies = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of stdout.split("\n")) {
    const name = /^(?:[ |]*(?:Pre)?Depends: )?([a-z0-9][a-z0-9.+-]*)$/.exec(line)?.[1];
    if (!name) continue;
    if (/^[ |]/.test(line)) current.push(name);
    else dependencies.set(name, (current = []));
  }
  return dependencies;
}

async function listDownloads(packages: string[], signal?: AbortSignal): Promise<Download[]> {
  const { stdout } = await withAdvice(run("apt-get", ["download", "--print-uris", ...packages], { signal }));
  const downloads = [...stdout.matchAll(/^'[^']*' (\S+\.deb) \d+ SHA256:([0-9a-f]{64})$/gm)];
  if (downloads.length !== packages.length) {
    throw new Error(`apt-get told the checksums of only ${downloads.length} of ${packages.length} packages`);
  }
  return downloads.map(([, name, sha256]) => ({ name: name ?? "", sha256: sha256 ?? "" }));
}

/** Downloads beside the cache's files and moves them in when verified, so that two builders can share a cache. */
async function downloadInto(cache: string, missing: Download[], signal?: AbortSignal): Promise<void> {
  await inWorkFolder(cache, async (folder) => {
    // As root, apt would download as the user _apt, who may not write here.
    const args = ["download", "--quiet=2", "--option", "APT::Sandbox::User=root", ...missing.map(versioned)];
    await withAdvice(run("apt-get", args, { cwd: folder, signal }));

    for (const download of missing) {
      if (!(await isCached(folder, download))) throw new Error(`${download.name} is not what apt's lists describe`);
      await rename(join(folder, download.name), join(cache, download.name));
    }
  });
}

/** From `name_version_arch.deb`; apt writes the colon of an epoch as %3a. */
function versioned({ name }: Download): string {
  const [packageName = "", version = ""] = name.split("_");
  return `${packageName}=${decodeURIComponent(version)}`;
}

async function isCached(folder: string, { name, sha256 }: Download): Promise<boolean> {
  const hash = createHash("sha256");
  const read = pipeline(createReadStream(join(folder, name)), hash);
  return read.then(
    () => hash.digest("hex") === sha256,
    () => false,
  );
}

async function withAdvice<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    const symptoms = /Unable to locate|No packages found|404|Failed to fetch/;
    if (!(error instanceof Error) || !symptoms.test(error.message)) throw error;
    const advice =
      "tiny is made of the packages of Debian 12 or later; `apt-get update` may bring their lists up to date";
    throw new Error(`${advice} (${error.message})`, { cause: error });
  }
}
