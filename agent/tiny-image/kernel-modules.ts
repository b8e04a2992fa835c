/** Copies kernel modules with all that they depend on, and writes the tables by which modprobe finds them. */
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Unpacked } from "./unpacked.ts";
import { walk } from "./walk.ts";

/** What the initramfs needs to reach the root file system. Debian's cloud kernel knows no ahci, so disks are virtio's. */
export const diskModules = ["virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod"];

/** Loaded by the kernel when something asks: the seed's file systems with their alphabets, and CD drives. */
export const onDemandModules = ["isofs", "vfat", "nls_ascii", "nls_cp437", "nls_iso8859-1", "nls_utf8", "sr_mod"];

interface KernelModule {
  fileName: string;
  dependencies: string[];
  aliases: string[];
}

/** `target` is the root of a tree; the modules go to its `usr/lib/modules`. */
export async function installModules(names: readonly string[], unpacked: Unpacked, target: string): Promise<void> {
  const version = await unpacked.kernelVersion();
  const source = unpacked.path(`lib/modules/${version}`);
  const folder = join(target, "usr/lib/modules", version);
  await mkdir(folder, { recursive: true });
  await copyFile(join(source, "modules.builtin"), join(folder, "modules.builtin"));

  const files = await listModules(source);
  const builtIn = (await readFile(join(source, "modules.builtin"), "utf8")).split("\n").map(moduleName);

  // In the order in which they load: each module stands behind those that it depends on.
  const modules = new Map<string, KernelModule>();
  const install = async (name: string): Promise<void> => {
    if (modules.has(name) || builtIn.includes(name)) return;
    const file = files.get(name);
    if (!file) throw new Error(`the kernel package has no module ${name}`);
    const module = await readModule(await copyModule(file, folder, unpacked));
    for (const dependency of module.dependencies) await install(dependency);
    modules.set(name, module);
  };
  for (const name of names) await install(moduleName(name));

  await writeFile(join(folder, "modules.dep"), dependencyTable(modules));
  await writeFile(join(folder, "modules.alias"), aliasTable(modules));
}

async function listModules(folder: string): Promise<Map<string, string>> {
  const files = (await walk(folder)).filter(({ name }) => /\.ko(\.xz)?$/.test(name));
  return new Map(files.map(({ path }) => [moduleName(path), path]));
}

/** Debian 13 compresses modules; plain ones load faster, and the image is compressed as a whole. */
async function copyModule(file: string, folder: string, unpacked: Unpacked): Promise<string> {
  const copy = join(folder, basename(file));
  await copyFile(file, copy);
  if (!copy.endsWith(".xz")) return copy;
  await unpacked.run("bin/busybox", ["unxz", copy]);
  return copy.slice(0, -".xz".length);
}

/** A module carries its own description: NUL-separated `key=value` in the ELF section .modinfo. */
async function readModule(file: string): Promise<KernelModule> {
  const content = (await readFile(file)).toString("latin1");
  const valuesOf = (key: string) =>
    [...content.matchAll(new RegExp(`\0${key}=([^\0]*)`, "g"))].map(([, value = ""]) => value);
  return {
    fileName: basename(file),
    dependencies: valuesOf("depends").join(",").split(",").filter(Boolean).map(moduleName),
    aliases: valuesOf("alias"),
  };
}

/** modprobe loads a line's modules from right to left and looks no further, so a line names indirect ones too. */
function dependencyTable(modules: ReadonlyMap<string, KernelModule>): string {
  const needed = new Map<string, string[]>();
  let table = "";
  for (const [name, { fileName, dependencies }] of modules) {
    const loaded = dependencies.filter((dependency) => modules.has(dependency));
    const inOrder = [...new Set(loaded.flatMap((dependency) => [...(needed.get(dependency) ?? []), dependency]))];
    needed.set(name, inOrder);
    const files = inOrder.map((dependency) => modules.get(dependency)?.fileName).reverse();
    table += `${fileName}: ${files.join(" ")}\n`;
  }
  return table;
}

function aliasTable(modules: ReadonlyMap<string, KernelModule>): string {
  return [...modules].flatMap(([name, { aliases }]) => aliases.map((alias) => `alias ${alias} ${name}\n`)).join("");
}

/** Of a file or a name; the kernel takes dash and underscore for the same. */
function moduleName(text: string): string {
  return basename(text)
    .replace(/\.ko(\.xz)?$/, "")
    .replaceAll("-", "_");
}
