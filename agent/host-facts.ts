/** What this host is and has, and whether machines run on it with KVM, by emulation, or not at all. */
import { existsSync } from "node:fs";
import { open, readFile, statfs } from "node:fs/promises";
import { arch, availableParallelism, hostname, release, totalmem } from "node:os";
import { join } from "node:path";
import type { HostFacts } from "../protocol/agent-link.ts";
import type { HostPaths } from "./paths.ts";
import { run } from "./run.ts";

export type AcceleratorWish = "auto" | "kvm" | "tcg";

export interface AcceleratorChoice {
  /** Null: no machine runs here, and the reason says why. */
  readonly accelerator: "kvm" | "tcg" | null;
  readonly reason: string;
}

export async function readHostFacts(
  paths: HostPaths,
  wish: AcceleratorWish,
  allowEmulation: boolean,
): Promise<HostFacts> {
  const { bsize, blocks, bavail } = await statfs(paths.home);
  const gib = (count: number) => Math.floor((count * bsize) / 1024 ** 3);
  const qemuVersion = await readQemuVersion();
  const choice = qemuVersion
    ? await chooseAccelerator(wish, allowEmulation)
    : { accelerator: null, reason: "QEMU is not installed on this host (Debian: qemu-system-x86)" };
  return {
    hostname: hostname(),
    os: await readOsName(),
    kernel: release(),
    arch: arch(),
    cpus: availableParallelism(),
    memoryMib: Math.floor(totalmem() / 1024 ** 2),
    diskGib: gib(blocks),
    diskFreeGib: gib(bavail),
    qemuVersion,
    accelerator: choice.accelerator,
    acceleratorReason: choice.reason,
  };
}

/** `root` is where /dev and /sys are looked for. */
export async function chooseAccelerator(
  wish: AcceleratorWish,
  allowEmulation: boolean,
  root = "/",
): Promise<AcceleratorChoice> {
  const obstacle = await kvmObstacle(root);
  if (wish !== "tcg" && obstacle === null) return { accelerator: "kvm", reason: "Machines run with KVM" };
  if (wish === "kvm") return { accelerator: null, reason: `KVM is demanded and can't be used: ${obstacle}` };
  const why = wish === "tcg" ? "as configured" : obstacle;
  if (!allowEmulation) {
    return {
      accelerator: null,
      reason: `No KVM (${why}), and emulation is not allowed here (VOIDVM_ALLOW_EMULATION=1)`,
    };
  }
  return { accelerator: "tcg", reason: `Machines run by emulation (${why}): right, but ten to thirty times slower` };
}

/**
 * Null where KVM can be trusted. A /dev/kvm that opens is not enough: under nested software virtualisation (PVM)
 * it makes machines whose guests hang.
 */
export async function kvmObstacle(root: string): Promise<string | null> {
  const device = join(root, "dev/kvm");
  if (!existsSync(device)) return "there is no /dev/kvm";
  const opens = await open(device, "r+").then(
    (file) => file.close().then(() => true),
    () => false,
  );
  if (!opens) return "/dev/kvm can't be opened by this user";
  const hasModule = ["kvm_intel", "kvm_amd"].some((name) => existsSync(join(root, "sys/module", name)));
  return hasModule ? null : "/dev/kvm is not backed by kvm_intel or kvm_amd";
}

async function readQemuVersion(): Promise<string | null> {
  try {
    const { stdout } = await run("qemu-system-x86_64", ["--version"]);
    return /version ([0-9.]+)/.exec(stdout)?.[1] ?? "unknown";
  } catch {
    return null;
  }
}

async function readOsName(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? "Linux";
}
