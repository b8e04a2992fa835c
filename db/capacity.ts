/** How much a host may be given, from what it has. Pure, so that placement's simulations can use it. */
import type { HostFacts } from "../protocol/agent-link.ts";

/**
 * vCPUs are time, and disks are thin: both may be promised several times over. Memory is not, and the host
 * keeps some for itself.
 */
export const overcommit = { cpu: 8, disk: 4, reservedMemoryMib: 512 } as const;

export interface Capacity {
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
}

export function capacityOf(facts: HostFacts): Capacity {
  // A host on which no machine can run has room for none.
  if (facts.accelerator === null) return { cpu: 0, memory: 0, disk: 0 };
  return {
    cpu: facts.cpus * overcommit.cpu,
    memory: Math.max(0, facts.memoryMib - overcommit.reservedMemoryMib),
    disk: facts.diskGib * overcommit.disk,
  };
}
