/** A fleet as figures: hosts and machines of mixed sizes that come and go, the same for the same seed. */
import { type Demand, placeVm } from "../../api/placement.ts";
import type { Capacity } from "../../db/capacity.ts";
import type { CandidateHost } from "../../db/create-vm.ts";
import type { PlacementStrategy } from "../../protocol/vm.ts";

/** Numbers in [0, 1), by mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Kind<T> {
  readonly of: T;
  /** Out of all kinds' sum. */
  readonly weight: number;
}

/** As they may be promised: vCPUs eight times over, disks four times. */
const hostKinds: readonly Kind<Capacity>[] = [
  { of: { cpu: 16 * 8, memory: 64 * 1024, disk: 1000 * 4 }, weight: 3 },
  { of: { cpu: 32 * 8, memory: 192 * 1024, disk: 2000 * 4 }, weight: 4 },
  { of: { cpu: 64 * 8, memory: 384 * 1024, disk: 4000 * 4 }, weight: 3 },
];

export const vmKinds: readonly Kind<Capacity & { name: string }>[] = [
  { of: { name: "small", cpu: 1, memory: 1024, disk: 20 }, weight: 40 },
  { of: { name: "medium", cpu: 2, memory: 4096, disk: 40 }, weight: 30 },
  { of: { name: "large", cpu: 4, memory: 16_384, disk: 100 }, weight: 20 },
  { of: { name: "memory", cpu: 8, memory: 65_536, disk: 200 }, weight: 6 },
  { of: { name: "disk", cpu: 4, memory: 8192, disk: 1600 }, weight: 4 },
];

const images = ["a", "b", "c", "d", "e", "f", "g", "h"];

interface SimulatedHost extends CandidateHost {
  readonly allocated: { cpu: number; memory: number; disk: number };
  hasImage: boolean;
  readonly images: Set<string>;
  vms: number;
}

interface SimulatedVm {
  readonly host: SimulatedHost;
  readonly size: Capacity;
}

export interface Outcome {
  readonly strategy: PlacementStrategy;
  readonly alive: number;
  readonly asked: number;
  /** By the machine's kind. */
  readonly rejected: ReadonlyMap<string, number>;
  readonly hosts: readonly SimulatedHost[];
  readonly downloads: number;
  /** Of each decision, in ms. */
  readonly decisionMs: readonly number[];
}

export interface Plan {
  readonly hosts: number;
  readonly vms: number;
  /** Machines that come after the fleet is full, each after another has gone. */
  readonly churn: number;
  readonly seed: number;
}

/** Fills the fleet, then lets machines go and come. */
export function simulate(plan: Plan, strategy: PlacementStrategy): Outcome {
  const random = seeded(plan.seed);
  const hosts = Array.from({ length: plan.hosts }, (_, n) => makeHost(n, pick(hostKinds, random)));
  const alive: SimulatedVm[] = [];
  const rejected = new Map(vmKinds.map(({ of }) => [of.name, 0]));
  const decisionMs: number[] = [];
  let downloads = 0;

  const arrive = () => {
    const size = pick(vmKinds, random);
    const image = images[Math.floor(random() ** 2 * images.length)] as string;
    for (const host of hosts) host.hasImage = host.images.has(image);
    const { cpu, memory, disk } = size;
    const demand: Demand = { cpu, memory, disk, strategy, labels: {}, kvm: false };
    const startedAt = performance.now();
    const [best] = placeVm(hosts, demand).candidates as SimulatedHost[];
    decisionMs.push(performance.now() - startedAt);
    if (!best) {
      rejected.set(size.name, (rejected.get(size.name) ?? 0) + 1);
      return;
    }
    if (!best.hasImage) downloads++;
    best.images.add(image);
    give(best, size, 1);
    alive.push({ host: best, size });
  };

  for (let n = 0; n < plan.vms; n++) arrive();
  for (let n = 0; n < plan.churn; n++) {
    const index = Math.floor(random() * alive.length);
    const gone = alive[index] as SimulatedVm;
    alive[index] = alive.at(-1) as SimulatedVm;
    alive.pop();
    give(gone.host, gone.size, -1);
    arrive();
  }
  return { strategy, alive: alive.length, asked: plan.vms + plan.churn, rejected, hosts, downloads, decisionMs };
}

/** How many more machines of this size the fleet can take, and how many if all its free room were on one host. */
export function roomFor(hosts: readonly CandidateHost[], size: Capacity): { apart: number; together: number } {
  const times = (free: Capacity) =>
    Math.floor(Math.min(free.cpu / size.cpu, free.memory / size.memory, free.disk / size.disk));
  const free = hosts.map(({ capacity, allocated }) => ({
    cpu: capacity.cpu - allocated.cpu,
    memory: capacity.memory - allocated.memory,
    disk: capacity.disk - allocated.disk,
  }));
  const sum = (what: keyof Capacity) => free.reduce((total, one) => total + one[what], 0);
  return {
    apart: free.reduce((total, one) => total + times(one), 0),
    together: times({ cpu: sum("cpu"), memory: sum("memory"), disk: sum("disk") }),
  };
}

function makeHost(n: number, capacity: Capacity): SimulatedHost {
  return {
    ...{ id: `host-${String(n).padStart(4, "0")}`, status: "online", schedulable: true, maintenance: false },
    ...{ accelerator: "kvm", labels: {}, capacity, allocated: { cpu: 0, memory: 0, disk: 0 } },
    ...{ hasImage: false, images: new Set(), vms: 0 },
  };
}

function give(host: SimulatedHost, { cpu, memory, disk }: Capacity, times: 1 | -1): void {
  host.allocated.cpu += times * cpu;
  host.allocated.memory += times * memory;
  host.allocated.disk += times * disk;
  host.vms += times;
}

function pick<T>(kinds: readonly Kind<T>[], random: () => number): T {
  let left = random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const { of, weight } of kinds) {
    left -= weight;
    if (left < 0) return of;
  }
  return (kinds.at(-1) as Kind<T>).of;
}
