/** From what Linux counts to samples: recorded texts, and the arithmetic between two readings. */
import { expect, it } from "vitest";
import { readHost } from "../../agent/metrics/host-reading.ts";
import {
  parseCpuTimes,
  parseDisks,
  parseMemory,
  parseNetwork,
  parseProcessMemory,
  parseProcessSeconds,
} from "../../agent/metrics/proc.ts";
import { hostSample, type VmReading, vmSample } from "../../agent/metrics/readings.ts";
import { HostSample, VmSample } from "../../protocol/samples.ts";

const stat = `cpu  100 20 30 700 50 6 4 10 80 0
cpu0 50 10 15 350 25 3 2 5 40 0
intr 12345`;
const meminfo = `MemTotal:        8151048 kB
MemFree:          611304 kB
MemAvailable:    4075524 kB`;
const diskstats = `   7       0 loop0 9 9 9 9 9 9 9 9 9 9 9
 259       0 nvme0n1 350923 47768 1000 225995 1109711 867408 3000 1088347 0 180268 1416862
 259       1 nvme0n1p1 350000 47000 900 225000 1109000 867000 2900 1088000 0 180000 1416000`;
const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1820491491  744738    0    0    0     0          0         0 1820491491  744738    0    0    0     0       0          0
  eth0:6805475565  161271    0    0    0     0          0         0  8972522   90570    0    0    0     0       0          0`;

it("reads Linux' own texts", () => {
  expect(parseCpuTimes(stat)).toEqual({ busy: 170, total: 920 });
  expect(parseMemory(meminfo)).toEqual({ total: 8151048 / 1024, used: 4075524 / 1024 });
  expect(parseDisks(diskstats, (_, device) => device === "259:0")).toEqual({ read: 512_000, write: 1_536_000 });
  expect(parseNetwork(netDev, (name) => name === "eth0")).toEqual({ rx: 6805475565, tx: 8972522 });
  const process = "4711 (a b) c) S 1 4711 4711 0 -1 4194560 25 0 0 0 1250 250 0 0 20 0 5 0 998877 1 2";
  expect(parseProcessSeconds(process)).toBe(15);
  expect(parseProcessMemory("Name:\tqemu\nVmHWM:\t  999999 kB\nVmRSS:\t  204800 kB\n")).toBe(200);
});

it("reads this host, and makes a sample of two readings", async () => {
  const before = await readHost("/");
  const now = await readHost("/");
  expect(now.cpu.total).toBeGreaterThanOrEqual(before.cpu.total);
  expect(now.memory.used).toBeGreaterThan(0);
  expect(now.memory.used).toBeLessThan(now.memory.total);
  expect(HostSample.parse(hostSample(before, now))).toMatchObject({
    hostId: null,
    memory: { usage: expect.any(Number) },
  });
});

const reading: VmReading = {
  at: new Date("2026-11-24T12:00:00Z"),
  clockMs: 1_000,
  pid: 7,
  cores: 2,
  cpuSeconds: 10,
  memory: { total: 512, used: 128 },
  disk: { read: 1_000, write: 5_000 },
  network: { rx: 100, tx: 200 },
};

it("tells what happened between two readings, in percent of all vCPUs and bytes a second", () => {
  const now: VmReading = {
    ...reading,
    at: new Date("2026-11-24T12:00:02Z"),
    clockMs: 3_000,
    cpuSeconds: 13,
    disk: { read: 3_000, write: 5_000 },
    network: { rx: 2_100, tx: 200 },
  };
  expect(VmSample.parse(vmSample("vm-1", reading, now))).toEqual({
    vmId: "vm-1",
    at: "2026-11-24T12:00:02.000Z",
    cpu: { usage: 75, cores: 2 },
    memory: { total: 512, used: 128, usage: 25 },
    disk: { read: 1_000, write: 0 },
    network: { rx: 1_000, tx: 0 },
  });
});

it("says nothing across two lives of a machine, and of a network that the guest tells nothing of", () => {
  const later = { ...reading, clockMs: 2_000 };
  expect(vmSample("vm-1", reading, { ...later, pid: 8 })).toBeNull();
  expect(vmSample("vm-1", reading, { ...later, network: null })?.network).toBeNull();
});

it("takes counters that went back for nothing, and no usage for more than all", () => {
  const now = { ...reading, clockMs: 2_000, cpuSeconds: 90, disk: { read: 0, write: 0 }, network: { rx: 0, tx: 0 } };
  expect(vmSample("vm-1", reading, now)).toMatchObject({
    cpu: { usage: 100 },
    disk: { read: 0, write: 0 },
    network: { rx: 0, tx: 0 },
  });
});
