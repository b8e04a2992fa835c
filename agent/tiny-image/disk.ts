/**
 * Puts the disk together: GPT, a FAT partition that boots by BIOS and by UEFI, an ext4 root partition; then qcow2.
 *
 * Nothing is mounted and no block device is made: each tool is told where in the file its partition begins.
 */
import { open, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";
import { buildTime } from "./root-tree.ts";
import type { Unpacked } from "./unpacked.ts";
import { walk } from "./walk.ts";

const MiB = 1024 * 1024;

/** In MiB. The last one is left to the copy of the partition table. */
const layout = { size: 64, esp: { start: 1, size: 24 }, root: { start: 25, size: 38 } };

/**
 * The last console is /dev/console. The kernel's self-tests of its ciphers would take half a second under emulation.
 * The root file system needs no argument: the initramfs finds it by its label.
 */
export const kernelCommandLine = "console=tty0 console=ttyS0,115200 quiet panic=5 cryptomgr.notests";

/** Fixed, as is everything else that a tool would draw by chance, so that the same contents make the same bytes. */
const ids = {
  disk: "6f1d1b52-9e3f-4a54-8f0e-0b6a52d4c001",
  esp: "6f1d1b52-9e3f-4a54-8f0e-0b6a52d4c002",
  root: "6f1d1b52-9e3f-4a54-8f0e-0b6a52d4c003",
  fileSystem: "6f1d1b52-9e3f-4a54-8f0e-0b6a52d4c004",
};

export interface DiskParts {
  /** A folder with the contents of the root file system. */
  root: string;
  initramfs: Buffer;
}

/** `folder` is a place to work in; `output` must not exist. */
export async function makeDisk(
  parts: DiskParts,
  folder: string,
  output: string,
  unpacked: Unpacked,
  signal?: AbortSignal,
): Promise<void> {
  const raw = join(folder, "disk.raw");
  await writeFile(raw, "");
  await truncate(raw, layout.size * MiB);

  await partition(raw, unpacked);
  await makeBootPartition(raw, parts.initramfs, folder, unpacked);
  await makeRootPartition(raw, parts.root, folder, unpacked);
  await run("qemu-img", ["convert", "-c", "-f", "raw", "-O", "qcow2", raw, output], { signal });
}

async function partition(raw: string, unpacked: Unpacked): Promise<void> {
  const table = [
    "label: gpt",
    `label-id: ${ids.disk}`,
    // The attribute is what the boot code in the first sector looks for.
    `start=${layout.esp.start}MiB, size=${layout.esp.size}MiB, type=uefi, name=esp, uuid=${ids.esp}, attrs=LegacyBIOSBootable`,
    `start=${layout.root.start}MiB, size=${layout.root.size}MiB, type=linux-root-x86-64, name=root, uuid=${ids.root}`,
  ];
  await unpacked.run("sbin/sfdisk", ["--quiet", raw], { input: table.join("\n") });

  const bootCode = await readFile(unpacked.path("lib/syslinux/mbr/gptmbr.bin"));
  const file = await open(raw, "r+");
  try {
    await file.write(bootCode, 0, bootCode.length, 0);
  } finally {
    await file.close();
  }
}

async function makeBootPartition(raw: string, initramfs: Buffer, folder: string, unpacked: Unpacked): Promise<void> {
  const { start, size } = layout.esp;
  // Unlike all others, mkfs.fat counts the offset in sectors, and the size in KiB.
  const offset = `--offset=${(start * MiB) / 512}`;
  await unpacked.run("sbin/mkfs.fat", ["--invariant", "-n", "ESP", offset, raw, String(size * 1024)]);

  const version = await unpacked.kernelVersion();
  await writeFile(join(folder, "initrd"), initramfs);
  const files: Record<string, string> = {
    vmlinuz: unpacked.path(`boot/vmlinuz-${version}`),
    initrd: join(folder, "initrd"),
    "EFI/BOOT/BOOTX64.EFI": unpacked.path("lib/systemd/boot/efi/systemd-bootx64.efi"),
  };
  const texts: Record<string, string> = {
    "syslinux.cfg": `DEFAULT tiny\nPROMPT 0\nLABEL tiny\n  KERNEL /vmlinuz\n  INITRD /initrd\n  APPEND ${kernelCommandLine}\n`,
    "loader/loader.conf": "timeout 0\ndefault tiny.conf\n",
    "loader/entries/tiny.conf": `title tiny\nlinux /vmlinuz\ninitrd /initrd\noptions ${kernelCommandLine}\n`,
  };
  for (const [name, text] of Object.entries(texts)) {
    const file = join(folder, name.replaceAll("/", "-"));
    await writeFile(file, text);
    files[name] = file;
  }

  const image = `${raw}@@${start}M`;
  // mtools would refuse a file system whose geometry it thinks unusual.
  const env = { MTOOLS_SKIP_CHECK: "1", SOURCE_DATE_EPOCH: String(buildTime) };
  await unpacked.run("bin/mmd", ["-i", image, "::EFI", "::EFI/BOOT", "::loader", "::loader/entries"], { env });
  for (const [name, file] of Object.entries(files)) {
    await unpacked.run("bin/mcopy", ["-i", image, file, `::${name}`], { env });
  }
  await unpacked.run("bin/syslinux", ["--install", "--offset", String(start * MiB), raw], { env });
}

async function makeRootPartition(raw: string, root: string, folder: string, unpacked: Unpacked): Promise<void> {
  const offset = layout.root.start * MiB;
  const blockSize = 4096;
  // Room in the group descriptors for 1 TiB; without it, a file system of this size could not grow far.
  const largest = (1024 * 1024 * MiB) / blockSize;
  const env = { MKE2FS_CONFIG: unpacked.path("etc/mke2fs.conf"), E2FSPROGS_FAKE_TIME: String(buildTime) };

  const content = ["-L", "tiny-root", "-d", root];
  const shape = ["-t", "ext4", "-b", String(blockSize), "-m", "0", "-U", ids.fileSystem];
  const more = ["-E", `offset=${offset},root_owner=0:0,hash_seed=${ids.fileSystem},resize=${largest}`];
  await unpacked.run("sbin/mke2fs", ["-q", ...shape, ...content, ...more, raw, `${layout.root.size}M`], { env });
  await giveToRoot(`${raw}?offset=${offset}`, root, folder, unpacked, env);
}

/** `mke2fs -d` keeps owners and times of the folder it copies; neither a normal user's nor this hour's belong in the image. */
async function giveToRoot(
  device: string,
  root: string,
  folder: string,
  unpacked: Unpacked,
  env: Record<string, string>,
): Promise<void> {
  const commands: string[] = [];
  for (const { name } of await walk(root)) {
    for (const [field, value] of Object.entries({ uid: 0, gid: 0, ctime: `@${buildTime}`, atime: `@${buildTime}` })) {
      commands.push(`set_inode_field "/${name}" ${field} ${value}`);
    }
  }
  const script = join(folder, "owners");
  await writeFile(script, commands.join("\n") + "\n");

  // debugfs never fails; but for its version it says something only when something went wrong.
  const { stderr } = await unpacked.run("sbin/debugfs", ["-w", "-f", script, device], { env });
  const complaints = stderr.split("\n").filter((line) => line && !line.startsWith("debugfs "));
  if (complaints.length > 0) throw new Error(`debugfs: ${complaints.slice(0, 3).join(" | ")}`);
}
