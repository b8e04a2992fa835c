/** Reads how busy the host is. */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseCpuTimes, parseDisks, parseMemory, parseNetwork } from "./proc.ts";
import type { HostReading } from "./readings.ts";

/** `folder` holds the machines. */
export async function readHost(folder: string): Promise<HostReading> {
  const [cpu, meminfo, diskstats, netDev, { dev }] = await Promise.all([
    readFile("/proc/stat", "utf8"),
    readFile("/proc/meminfo", "utf8"),
    readFile("/proc/diskstats", "utf8").catch(() => ""),
    readFile("/proc/net/dev", "utf8"),
    stat(folder),
  ]);
  return {
    at: new Date(),
    clockMs: performance.now(),
    cores: availableParallelism(),
    cpu: parseCpuTimes(cpu),
    memory: parseMemory(meminfo),
    disk: parseDisks(diskstats, diskFilter(diskstats, dev)),
    network: parseNetwork(netDev, interfaceFilter(netDev)),
  };
}

/** The disk that holds the machines; where that is none of the kernel's (overlay, btrfs, zfs), every disk with hardware behind it. */
function diskFilter(diskstats: string, dev: number): (name: string, device: string) => boolean {
  // As glibc's gnu_dev_major and gnu_dev_minor take a device's number apart.
  const device = `${Math.floor(dev / 256) % 4096}:${(dev % 256) + Math.floor(dev / 1_048_576) * 256}`;
  const isKnown = diskstats.split("\n").some((line) => line.trim().split(/ +/, 2).join(":") === device);
  if (isKnown) return (_, other) => other === device;
  return (name) => existsSync(`/sys/block/${name}/device`);
}

/** Cards, not what the host builds upon them (bridges, taps, tunnels): that would count a byte twice. */
function interfaceFilter(netDev: string): (name: string) => boolean {
  const names = [...netDev.matchAll(/^ *([^ :]+):/gm)].map(([, name = ""]) => name);
  const cards = names.filter((name) => existsSync(`/sys/class/net/${name}/device`));
  // In a container there is no card.
  const counted = new Set(cards.length > 0 ? cards : names.filter((name) => name !== "lo"));
  return (name) => counted.has(name);
}
