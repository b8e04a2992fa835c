/** What the installation is and how it has been, as the API answers it. */
import * as z from "zod";

const Amounts = z.object({ cpu: z.int(), memory: z.int(), disk: z.int() });

export const SystemInfo = z.object({
  name: z.string(),
  version: z.string(),
  apiVersion: z.string(),
  /** When the edge was started. On Cloudflare there are many instances, and each tells when it was first asked for this. */
  startedAt: z.iso.datetime(),
  uptimeSeconds: z.int(),
  hosts: z.object({
    total: z.int(),
    online: z.int(),
    /** Of the hosts that are online, as they report themselves. */
    resources: z.object({ cpus: z.int(), memoryMib: z.int(), diskGib: z.int(), diskFreeGib: z.int() }),
    /** Of the hosts that are online, with their overcommit: vCPUs, MiB, GiB. */
    capacity: Amounts,
    allocated: Amounts,
    qemuVersions: z.array(z.string()),
    accelerators: z.array(z.string()),
    /** Online hosts on which machines run with KVM. */
    withKvm: z.int(),
  }),
  vms: z.object({ total: z.int(), byStatus: z.record(z.string(), z.int()) }),
});
export type SystemInfo = z.infer<typeof SystemInfo>;

export const StatsPeriod = z.enum(["1h", "24h", "7d", "30d"]);
export type StatsPeriod = z.infer<typeof StatsPeriod>;

export const StatsQuery = z.strictObject({ period: StatsPeriod.default("1h") });

/** How the whole stood at a minute. */
export const StatsPoint = z.object({
  at: z.iso.datetime(),
  vms: z.record(z.string(), z.int()),
  hosts: z.object({ total: z.int(), online: z.int() }),
  allocated: Amounts,
  /** Of the hosts that were online. */
  capacity: Amounts,
});
export type StatsPoint = z.infer<typeof StatsPoint>;

export const SystemStats = z.object({
  period: StatsPeriod,
  /** Between two points; a minute in which nothing was measured has none. */
  stepSeconds: z.int(),
  current: StatsPoint,
  series: z.array(StatsPoint),
});
export type SystemStats = z.infer<typeof SystemStats>;
