/** Which QEMU the tests had, and how often they really started it: a test of machines that starts none tests nothing. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chooseAccelerator } from "../../agent/host-facts.ts";

export async function describeQemu(): Promise<string> {
  let version: string;
  try {
    version = execFileSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" }).split("\n")[0] ?? "";
  } catch {
    return "QEMU: none on this machine";
  }
  const wish = process.env["VOIDVM_ACCEL"];
  const { accelerator, reason } = await chooseAccelerator(wish === "kvm" || wish === "tcg" ? wish : "auto", true);
  return `QEMU: ${version.replace("QEMU emulator ", "")}, accelerator ${accelerator} (${reason})`;
}

/**
 * From the file that `VOIDVM_SPAWN_LOG` names: a line for each program that was run, with the machine that it was run
 * for. Without a machine, QEMU was only asked for its version.
 */
export function describeRuns(spawnLog: string): string {
  const lines = existsSync(spawnLog) ? readFileSync(spawnLog, "utf8").split("\n") : [];
  const started = (program: string) => lines.filter((line) => line.startsWith(program) && !line.endsWith(" -"));
  const machines = new Set(started("qemu-system").map((line) => line.split(" ")[1]));
  return (
    `QEMU processes that the tests started: ${started("qemu-system").length}, for ${machines.size} machines; ` +
    `runs of qemu-img: ${started("qemu-img").length}`
  );
}
