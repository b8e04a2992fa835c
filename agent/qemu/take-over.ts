/** Takes over a QEMU process that somebody else started: an agent that is gone. */
import { HostError } from "../errors.ts";
import type { VmPaths } from "../paths.ts";
import { Monitor } from "./monitor.ts";
import type { QemuProcess } from "./process.ts";
import { removeForwards } from "./user-network.ts";

export interface TakenOver {
  readonly monitor: Monitor;
  readonly accelerator: "kvm" | "tcg";
  /** The guest is paused because the host's disk is full. */
  readonly outOfSpace: boolean;
  /** The guest is off, and the process has no work left. */
  readonly poweredOff: boolean;
}

/** Errors: QEMU_FAILED where the monitor is silent. */
export async function takeOver(qemu: QemuProcess, paths: VmPaths): Promise<TakenOver> {
  let monitor: Monitor | null = null;
  try {
    monitor = await Monitor.of(qemu, paths);
    const { enabled } = await monitor.execute<{ enabled: boolean }>("query-kvm");
    const { status } = await monitor.execute<{ status: string }>("query-status");
    const devices = await monitor.execute<{ "io-status"?: string }[]>("query-block");
    await removeForwards(monitor.execute.bind(monitor));
    return {
      monitor,
      accelerator: enabled ? "kvm" : "tcg",
      outOfSpace: devices.some((device) => device["io-status"] === "nospace"),
      poweredOff: status === "shutdown",
    };
  } catch (error) {
    // Or nobody else could ever talk to it: a monitor serves one client.
    monitor?.release();
    const reason = (error as Error).message;
    throw new HostError(
      "QEMU_FAILED",
      `QEMU (process ${qemu.pid}) runs and its monitor does not answer, so that nothing may take its place: ${reason}`,
      { cause: error },
    );
  }
}
