/** Copies kernel modules with all that they depend on, and writes the tables by which modprobe finds them. */
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Unpacked } from "./unpacked.ts";

/** What the initramfs needs to reach the root file system. Debian's cloud kernel knows no ahci, so disks are virtio's. */
export const diskModules = ["virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod"];

/** Loaded by the kernel when something asks: the seed's file systems with their alphabets, and CD drives. */
export const onDemandModules = ["isofs", "vfat", "nls_ascii", "nls_cp437", "nls_iso8859-1", "nls_utf8", "sr_mod"];

interface KernelModule {
  file: string;
  dependencies: string[];
  aliases: string[];
}

/** `target` is the root of a tree; the modules go to its `usr/lib/modules`. */
export async function installModules(names: readonly string[], unpacked: Unpacked, target: string): Promise<void> {
  const version = await unpacked.kernelVersion;
  const folder = join(target, "usr/lib/modules", version);
  await mkdir(folder, { recursive: true });

  const modules = await withDependencies(names, unpacked.path(`lib/modules/${version}`));
  for (const { file } of modules.values()) await copyFile(file, join(folder, basename(file)));

  await writeFile(join(folder, "modules.dep"), dependencyTable(modules));
  await writeFile(join(folder, "modules.alias"), aliasTable(modules));
  await copyFile(unpacked.path(`lib/modules/${version}/modules.builtin`), join(folder, "modules.builtin"));
}

/** In the order in which they load: each module stands behind those that it depends on. */
async function withDependencies(names: readonly string[], folder: string): Promise<Map<string, KernelModule>> {
  const files = new Map<string, string>();
  for (const path of await readdir(folder, { recursive: true })) {
    if (path.endsWith(".ko")) files.set(canonical(basename(path, ".ko")), join(folder, path));
  }

  const modules = new Map<string, KernelModule>();
  const add = async (name: string): Promise<void> => {
    if (modules.has(name)) return;
    const file = files.get(name);
    if (!file) throw new Error(`the kernel package has no module ${name}`);
    const module = await readModule(file);
    for (const dependency of module.dependencies) await add(dependency);
    modules.set(name, module);
  };
  for (const name of names) await add(canonical(name));
  return modules;
}

/** A module carries its own description: NUL-separated `key=value` in the ELF section .modinfo. */
async function readModule(file: string): Promise<KernelModule> {
  const content = (await readFile(file)).toString("latin1");
  const valuesOf = (key: string) =>
    [...content.matchAll(new RegExp(`\0${key}=([^\0]*)`, "g"))].map(([, value = ""]) => value);
  return {
    file,
    dependencies: valuesOf("depends").join(",").split(",").filter(Boolean).map(canonical),
    aliases: valuesOf("alias"),
  };
}

/** modprobe loads a line's modules from right to left and doesn't look further, so it must name indirect ones too. */
function dependencyTable(modules: ReadonlyMap<string, KernelModule>): string {
  const order = [...modules.keys()];
  const lines = [...modules].map(([name, { file }]) => {
    const needed = closure(name, modules);
    needed.delete(name);
    const files = order
      .filter((other) => needed.has(other))
      .reverse()
      .map((other) => basename(modules.get(other)?.file ?? ""));
    return [`${basename(file)}:`, ...files].join(" ");
  });
  return lines.join("\n") + "\n";
}

function closure(name: string, modules: ReadonlyMap<string, KernelModule>, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const dependency of modules.get(name)?.dependencies ?? []) closure(dependency, modules, found);
  return found;
}

function aliasTable(modules: ReadonlyMap<string, KernelModule>): string {
  return [...modules].flatMap(([name, { aliases }]) => aliases.map((alias) => `alias ${alias} ${name}\n`)).join("");
}

/** The kernel takes dash and underscore for the same. */
function canonical(name: string): string {
  return name.replaceAll("-", "_");
}
