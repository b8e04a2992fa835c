/**
 * A reading is what the counters say at one moment; two of them make a sample. Pure.
 *
 * Counters that went back (a guest that was reset, a new process) count as nothing, never as a rate below 0.
 */
import type { HostSample, VmSample } from "../../protocol/samples.ts";
import type { CpuTimes, DiskBytes, NetworkBytes } from "./proc.ts";

export interface HostReading {
  /** When it was taken: by the wall, and in ms of a clock that only goes on. */
  readonly at: Date;
  readonly clockMs: number;
  readonly cores: number;
  readonly cpu: CpuTimes;
  /** MiB. */
  readonly memory: { readonly total: number; readonly used: number };
  readonly disk: DiskBytes;
  readonly network: NetworkBytes;
}

export interface VmReading extends Omit<HostReading, "cpu" | "network"> {
  /** Of its QEMU process. Another pid is another life: nothing can be said between the two. */
  readonly pid: number;
  readonly cpuSeconds: number;
  /** Null: the guest doesn't tell. */
  readonly network: NetworkBytes | null;
}

export function hostSample(before: HostReading, now: HostReading): HostSample {
  const busy = (now.cpu.busy - before.cpu.busy) / Math.max(now.cpu.total - before.cpu.total, 1);
  return {
    hostId: null,
    ...common(before, now),
    cpu: { usage: percent(busy), cores: now.cores },
    network: networkRates(before, now, before.network, now.network),
  };
}

/** Null between two lives of the machine. */
export function vmSample(vmId: string, before: VmReading, now: VmReading): VmSample | null {
  if (before.pid !== now.pid) return null;
  const busy = (now.cpuSeconds - before.cpuSeconds) / (seconds(before, now) * now.cores);
  const told = before.network !== null && now.network !== null;
  return {
    vmId,
    ...common(before, now),
    // QEMU's own threads may have worked beside the vCPUs.
    cpu: { usage: percent(busy), cores: now.cores },
    network: told ? networkRates(before, now, before.network, now.network) : null,
  };
}

type Common = Pick<HostReading, "at" | "clockMs" | "memory" | "disk">;

function common(before: Common, now: Common): Pick<HostSample, "at" | "memory" | "disk"> {
  const { total, used } = now.memory;
  return {
    at: now.at.toISOString(),
    memory: { total: rounded(total), used: rounded(used), usage: percent(used / Math.max(total, 1)) },
    disk: {
      read: rate(before, now, before.disk.read, now.disk.read),
      write: rate(before, now, before.disk.write, now.disk.write),
    },
  };
}

function networkRates(before: Common, now: Common, was: NetworkBytes, is: NetworkBytes): NetworkBytes {
  return { rx: rate(before, now, was.rx, is.rx), tx: rate(before, now, was.tx, is.tx) };
}

function rate(before: Common, now: Common, was: number, is: number): number {
  return Math.round(Math.max(is - was, 0) / seconds(before, now));
}

function seconds(before: Common, now: Common): number {
  return Math.max(now.clockMs - before.clockMs, 1) / 1000;
}

function percent(part: number): number {
  return rounded(Math.min(Math.max(part, 0), 1) * 100);
}

function rounded(value: number): number {
  return Math.round(Math.max(value, 0) * 10) / 10;
}
