/** Which host a new machine goes to. Pure: the same hosts and the same machine give the same answer. */
import type { Capacity } from "../db/capacity.ts";

export interface PlacementHost {
  readonly id: string;
  readonly online: boolean;
  readonly schedulable: boolean;
  readonly capacity: Capacity;
  readonly allocated: Capacity;
}

/** The hosts that have room, the one with the most free memory first: machines spread, and none runs full early. */
export function placeVm(hosts: readonly PlacementHost[], wanted: Capacity): PlacementHost[] {
  return hosts
    .filter((host) => host.online && host.schedulable && fits(host, wanted))
    .toSorted((a, b) => freeMemory(b) - freeMemory(a) || a.id.localeCompare(b.id));
}

function fits({ capacity, allocated }: PlacementHost, wanted: Capacity): boolean {
  return (["cpu", "memory", "disk"] as const).every((what) => allocated[what] + wanted[what] <= capacity[what]);
}

function freeMemory({ capacity, allocated }: PlacementHost): number {
  return capacity.memory - allocated.memory;
}
