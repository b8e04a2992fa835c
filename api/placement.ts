/**
 * Which host a new machine goes to, and why the others can't take it. Pure: the same hosts and the same machine give
 * the same answer. The insert that takes the place repeats every condition (`db/create-vm.ts`).
 */
import type { Capacity } from "../db/capacity.ts";
import type { CandidateHost } from "../db/create-vm.ts";
import type { HostBlocker } from "../protocol/rest.ts";
import type { PlacementStrategy } from "../protocol/vm.ts";

/** What is asked of a host: room, and more where the creation says so. */
export interface Demand extends Capacity {
  readonly labels: Readonly<Record<string, string>>;
  readonly kvm: boolean;
  readonly strategy: PlacementStrategy;
}

/** Why a host can't take a machine. */
export type Refusal = HostBlocker | "labels" | "kvm" | "room";

export interface RefusedHost {
  readonly id: string;
  readonly refusal: Refusal;
  /** Of what there is too little; empty unless the refusal is `room`. */
  readonly short: readonly (keyof Capacity)[];
}

export interface Placed {
  /** Those that can take it, the best first. */
  readonly candidates: CandidateHost[];
  readonly refused: RefusedHost[];
}

/** An image that lies there already is worth as much as this part of a host being free. */
const imageBonus = 0.1;

const resources = ["cpu", "memory", "disk"] as const;

export function placeVm(hosts: readonly CandidateHost[], demand: Demand): Placed {
  const scored: { host: CandidateHost; score: number }[] = [];
  const refused: RefusedHost[] = [];
  for (const host of hosts) {
    const refusal = refusalOf(host, demand);
    if (refusal) refused.push({ id: host.id, ...refusal });
    else scored.push({ host, score: scoreOf(host, demand) });
  }
  scored.sort((a, b) => b.score - a.score || (a.host.id < b.host.id ? -1 : 1));
  return { candidates: scored.map(({ host }) => host), refused };
}

/** What keeps every new machine away, however small. */
export function blockersOf(
  host: Pick<CandidateHost, "status" | "maintenance" | "schedulable" | "accelerator">,
): HostBlocker[] {
  const blockers: HostBlocker[] = host.status === "online" ? [] : [host.status];
  if (host.maintenance) blockers.push("maintenance");
  if (!host.schedulable) blockers.push("draining");
  if (host.accelerator === "none") blockers.push("no-accelerator");
  return blockers;
}

function refusalOf(host: CandidateHost, demand: Demand): Omit<RefusedHost, "id"> | null {
  const refusal = blockersOf(host)[0] ?? unmet(host, demand);
  if (refusal) return { refusal, short: [] };
  const short = resources.filter((what) => host.allocated[what] + demand[what] > host.capacity[what]);
  return short.length === 0 ? null : { refusal: "room", short };
}

function unmet(host: CandidateHost, { labels, kvm }: Demand): "labels" | "kvm" | null {
  if (Object.entries(labels).some(([key, value]) => host.labels[key] !== value)) return "labels";
  return kvm && host.accelerator !== "kvm" ? "kvm" : null;
}

/** Higher is better. A host is as full as the scarcest of what it has. */
function scoreOf({ capacity, allocated, hasImage }: CandidateHost, demand: Demand): number {
  const shares = resources.map((what) => (allocated[what] + demand[what]) / capacity[what]);
  const fullness = Math.max(...shares);
  return (demand.strategy === "pack" ? fullness : -fullness) + (hasImage ? imageBonus : 0);
}

/** `3 hosts: 2 have no room for memory, 1 is draining`. */
export function explainRefusals(refused: readonly RefusedHost[]): string {
  const counts = new Map<string, { count: number; words: readonly [one: string, many: string] }>();
  for (const host of refused) {
    const words = wordsFor(host);
    const seen = counts.get(words[0]);
    counts.set(words[0], { count: (seen?.count ?? 0) + 1, words });
  }
  const sorted = [...counts.values()].toSorted((a, b) => b.count - a.count);
  const parts = sorted.map(({ count, words: [one, many] }) => `${count} ${count === 1 ? one : many}`);
  return `${refused.length} ${refused.length === 1 ? "host" : "hosts"}: ${parts.join(", ")}`;
}

function wordsFor({ refusal, short }: RefusedHost): readonly [one: string, many: string] {
  if (refusal !== "room") return refusalWords[refusal];
  const what = short.map((name) => resourceWords[name]).join(" and ");
  return [`has no room for ${what}`, `have no room for ${what}`];
}

const resourceWords = { cpu: "vCPUs", memory: "memory", disk: "disk" } as const;

const refusalWords = {
  pending: ["has not joined yet", "have not joined yet"],
  offline: ["is offline", "are offline"],
  quarantined: ["is quarantined", "are quarantined"],
  maintenance: ["is in maintenance", "are in maintenance"],
  draining: ["is draining", "are draining"],
  "no-accelerator": ["can run no machine", "can run no machine"],
  labels: ["has not the labels", "have not the labels"],
  kvm: ["has no KVM", "have no KVM"],
} as const satisfies Record<Exclude<Refusal, "room">, readonly [string, string]>;
