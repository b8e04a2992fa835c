/** What Linux counts, out of the texts under /proc. Pure: a text in, counters out. */

/** Since the host started; `total` and `busy` in the same unit. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** Bytes since the beginning of what is counted. */
export interface DiskBytes {
  readonly read: number;
  readonly write: number;
}

export interface NetworkBytes {
  readonly rx: number;
  readonly tx: number;
}

/** All CPUs together: the first line of /proc/stat. */
export function parseCpuTimes(stat: string): CpuTimes {
  // user, nice, system, idle, iowait, irq, softirq, steal; a guest's time is part of user's already.
  const times = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? "").split(" ").map(Number).slice(0, 8);
  const total = times.reduce((sum, time) => sum + time, 0);
  const idle = (times[3] ?? 0) + (times[4] ?? 0);
  return { busy: total - idle, total };
}

/** MiB, out of /proc/meminfo. What the kernel would give back on demand does not count as used. */
export function parseMemory(meminfo: string): { total: number; used: number } {
  const mib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? 0) / 1024;
  const total = mib("MemTotal");
  return { total, used: total - mib("MemAvailable") };
}

/** Of the devices that `isCounted` picks out of /proc/diskstats, by name and by `major:minor`. */
export function parseDisks(diskstats: string, isCounted: (name: string, device: string) => boolean): DiskBytes {
  let [read, write] = [0, 0];
  for (const line of diskstats.split("\n")) {
    const [major, minor, name = "", , , sectorsRead, , , , sectorsWritten] = line.trim().split(/ +/);
    if (!isCounted(name, `${major}:${minor}`)) continue;
    // A sector is 512 bytes here, whatever it is on the disk.
    read += Number(sectorsRead) * 512;
    write += Number(sectorsWritten) * 512;
  }
  return { read, write };
}

/** Of the interfaces that `isCounted` picks out of /proc/net/dev. */
export function parseNetwork(netDev: string, isCounted: (name: string) => boolean): NetworkBytes {
  let [rx, tx] = [0, 0];
  for (const line of netDev.split("\n")) {
    const [, name = "", counters = ""] = /^ *([^ :]+): *(.*)$/.exec(line) ?? [];
    if (!isCounted(name)) continue;
    const bytes = counters.split(/ +/).map(Number);
    rx += bytes[0] ?? 0;
    tx += bytes[8] ?? 0;
  }
  return { rx, tx };
}

/** Seconds of processor time that a process has had, out of its /proc/PID/stat. */
export function parseProcessSeconds(stat: string): number {
  // The name in brackets may hold spaces and brackets of its own.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Linux shows these in hundredths, whatever its own clock does.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** MiB that a process holds of the host's memory, out of its /proc/PID/status. */
export function parseProcessMemory(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}
