/** How busy a machine and a host are. Samples flow only while somebody watches. Rates are over the time since the last sample. */
import * as z from "zod";

const rate = z.number().min(0);

export const VmSample = z.object({
  vmId: z.string(),
  /** When the host took it. */
  at: z.iso.datetime(),
  /** `usage` in percent of all its vCPUs. */
  cpu: z.object({ usage: rate, cores: z.int() }),
  /** MiB. `used` is what the guest uses where it tells (balloon driver), what QEMU holds of the host otherwise. `usage` in percent. */
  memory: z.object({ total: rate, used: rate, usage: rate }),
  /** Bytes a second. */
  disk: z.object({ read: rate, write: rate }),
  /** Bytes a second, as the guest's agent counts them; null for a guest without one. */
  network: z.object({ rx: rate, tx: rate }).nullable(),
});
export type VmSample = z.infer<typeof VmSample>;

export const HostSample = z.object({
  /** Null: the sum of all hosts. */
  hostId: z.string().nullable(),
  at: z.iso.datetime(),
  cpu: z.object({ usage: rate, cores: z.int() }),
  /** MiB; `usage` in percent. */
  memory: z.object({ total: rate, used: rate, usage: rate }),
  /** Bytes a second, of the disks behind the machines. */
  disk: z.object({ read: rate, write: rate }),
  /** Bytes a second. */
  network: z.object({ rx: rate, tx: rate }),
});
export type HostSample = z.infer<typeof HostSample>;

/** What the edge wants sampled, all of it in each order: what is not in it any more ends. An empty one ends all. */
export const WatchOrder = z.strictObject({
  vms: z.array(z.strictObject({ vmId: z.string().max(64), intervalMs: z.int().min(1_000).max(60_000) })).max(500),
  /** Null: the host itself is not watched. */
  hostIntervalMs: z.int().min(1_000).max(60_000).nullable(),
});
export type WatchOrder = z.infer<typeof WatchOrder>;
