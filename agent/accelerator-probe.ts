/**
 * Whether a guest really runs with an accelerator. A device that opens and a QEMU that starts prove little: this boots
 * seven bytes of guest code, which end QEMU with a status that nothing else ends it with.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProgramError, run } from "./run.ts";

const port = 0x501;
/** isa-debug-exit makes of a 1 that the guest writes (1 << 1) | 1. */
const provenStatus = 3;
const timeoutMs = 20_000;

/** Null where the guest has run; otherwise what happened instead. */
export async function probeAccelerator(accelerator: "kvm" | "tcg"): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), "voidvm-probe-"));
  try {
    const disk = join(folder, "boot.img");
    await writeFile(disk, bootSector());
    await run("qemu-system-x86_64", probeArguments(accelerator, disk), { timeoutMs });
    return "QEMU ended before the guest ran";
  } catch (error) {
    if (error instanceof ProgramError && error.end === provenStatus) return null;
    return (error as Error).message;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function probeArguments(accelerator: "kvm" | "tcg", disk: string): string[] {
  return [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-m", "32M"],
    ...["-accel", accelerator, "-cpu", accelerator === "kvm" ? "host" : "max"],
    ...["-device", `isa-debug-exit,iobase=${port},iosize=1`],
    ...["-drive", `file=${disk.replaceAll(",", ",,")},format=raw,if=ide`],
  ];
}

function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  // mov al, 1 · mov dx, port · out dx, al · hlt
  sector.set([0xb0, 0x01, 0xba, port & 0xff, port >> 8, 0xee, 0xf4]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}
