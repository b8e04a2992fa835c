/** How much a host may be given, from what it has. Pure, so that placement's simulations can use it. */
import type { HostFacts } from "../protocol/agent-link.ts";
import type { Overcommit } from "../protocol/rest.ts";

/**
 * vCPUs are time, and disks are thin: both may be promised several times over. Memory is not, and the host
 * keeps some for itself.
 */
export const overcommit = { cpu: 8, memory: 1, disk: 4, reservedMemoryMib: 512 } as const;

export interface Capacity {
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
}

/** `own`: what was set for this host in place of the defaults. */
export function capacityOf(facts: HostFacts, own: Overcommit | null = null): Capacity {
  const room = roomOf(facts);
  const times = overcommitOf(own);
  return {
    cpu: Math.floor(room.cpu * times.cpu),
    memory: Math.floor(room.memory * times.memory),
    disk: Math.floor(room.disk * times.disk),
  };
}

export function overcommitOf(own: Overcommit | null): Capacity {
  const { cpu = overcommit.cpu, memory = overcommit.memory, disk = overcommit.disk } = own ?? {};
  return { cpu, memory, disk };
}

/** What there is, before anything is promised twice. */
export function roomOf(facts: HostFacts): Capacity {
  // A host on which no machine can run has room for none.
  if (facts.accelerator === null) return { cpu: 0, memory: 0, disk: 0 };
  return {
    cpu: facts.cpus,
    memory: Math.max(0, facts.memoryMib - overcommit.reservedMemoryMib),
    disk: facts.diskGib,
  };
}
