/** What the doctor finds on the host itself: CPU, QEMU and its programs, disk. */
import { statfs } from "node:fs/promises";
import { probeAccelerator } from "../accelerator-probe.ts";
import { kvmObstacle } from "../host-facts.ts";
import { run } from "../run.ts";
import type { Settings } from "../settings.ts";
import { type Finding, ill, weak, well } from "./finding.ts";

const [illBelowGib, weakBelowGib] = [1, 10];
const installer = "run the installer again without a token: curl -fsSL EDGE/install.sh | sudo sh";

export async function examineHost({ home, accelerator, allowEmulation }: Settings): Promise<Finding[]> {
  const qemu = await examineQemu();
  const canRun = qemu.every(({ state }) => state === "well");
  const tasks = [examineDisk(home)];
  if (canRun) tasks.unshift(examineAccelerator(accelerator, allowEmulation));
  return [...qemu, ...(await Promise.all(tasks))];
}

async function examineQemu(): Promise<Finding[]> {
  try {
    const { stdout } = await run("qemu-system-x86_64", ["--version"]);
    await run("qemu-img", ["--version"]);
    await run("genisoimage", ["--version"]);
    const { stdout: networks } = await run("qemu-system-x86_64", ["-machine", "none", "-netdev", "help"]);
    if (!/^user$/m.test(networks)) {
      const mend =
        "This distribution's QEMU is built without it: use one of Debian, Ubuntu or Fedora, or a build with libslirp";
      return [ill("qemu", "QEMU has no user networking, which machines are connected by", mend)];
    }
    return [well("qemu", `QEMU ${/version ([0-9.]+)/.exec(stdout)?.[1] ?? ""}, qemu-img and genisoimage are here`)];
  } catch (error) {
    return [ill("qemu", (error as Error).message, installer)];
  }
}

async function examineAccelerator(wish: Settings["accelerator"], allowEmulation: boolean): Promise<Finding> {
  const obstacle =
    wish === "tcg" ? "VOIDVM_ACCEL=tcg says so" : ((await kvmObstacle("/")) ?? (await probeAccelerator("kvm")));
  if (obstacle === null) return well("kvm", "A guest runs with KVM");
  const mend =
    "switch virtualisation on in the firmware (VT-x, AMD-V; on a virtual machine: nested), load kvm_intel or kvm_amd, " +
    "and put the agent's user into the group kvm";
  if (!allowEmulation || wish === "kvm") {
    return ill("kvm", `No machine runs here: ${obstacle}`, `${mend}; or allow emulation with VOIDVM_ALLOW_EMULATION=1`);
  }
  const failed = await probeAccelerator("tcg");
  if (failed !== null) return ill("kvm", `Not even an emulated guest runs: ${failed}`, installer);
  return weak("kvm", `Machines run by emulation, ten to thirty times slower: ${obstacle}`, mend);
}

async function examineDisk(home: string): Promise<Finding> {
  const { bsize, bavail } = await statfs(home);
  const gib = (bavail * bsize) / 1024 ** 3;
  const message = `${home} has ${gib.toFixed(1)} GiB free`;
  if (gib >= weakBelowGib) return well("disk", message);
  const mend = `make room there, or mount a larger disk at ${home}`;
  return gib < illBelowGib ? ill("disk", message, mend) : weak("disk", message, mend);
}
