/** `/system`: what this installation is and has, and how it has been. */
import { Hono } from "hono";
import { readSamples } from "../../db/samples.ts";
import type { SampleRow } from "../../db/schema.ts";
import { readTotals } from "../../db/system.ts";
import {
  StatsQuery,
  type StatsPeriod,
  type StatsPoint,
  type SystemInfo,
  type SystemStats,
} from "../../protocol/system.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { query } from "../validate.ts";

/** Seconds: how far back, and how far apart. */
const periods: Readonly<Record<StatsPeriod, { readonly length: number; readonly step: number }>> = {
  "1h": { length: 3_600, step: 60 },
  "24h": { length: 86_400, step: 600 },
  "7d": { length: 7 * 86_400, step: 3_600 },
  "30d": { length: 30 * 86_400, step: 21_600 },
};

/** On Cloudflare: when this instance was first asked. Outside of a request a Worker has no clock. */
let firstAskedAt: number | null = null;

export const system = new Hono<AppEnv>()
  .get("/info", async (c) => {
    firstAskedAt ??= Date.now();
    const startedAt = c.env.VOIDVM_STARTED_AT ?? new Date(firstAskedAt).toISOString();
    const { vmRows, hostRows, allocated } = await readTotals(c.env.DB);
    const online = hostRows.filter(({ status }) => status === "online");
    const sum = (amount: (host: (typeof online)[number]) => number | undefined) =>
      online.reduce((total, host) => total + (amount(host) ?? 0), 0);
    const seen = (values: (string | null | undefined)[]) => [...new Set(values.filter((value) => value != null))];
    return ok(c, {
      name: "VoidVM",
      version: c.env.VOIDVM_VERSION ?? "unknown",
      apiVersion: "v1",
      startedAt,
      uptimeSeconds: Math.max(0, Math.floor((Date.now() - Date.parse(startedAt)) / 1000)),
      hosts: {
        total: hostRows.length,
        online: online.length,
        resources: {
          cpus: sum(({ facts }) => facts?.cpus),
          memoryMib: sum(({ facts }) => facts?.memoryMib),
          diskGib: sum(({ facts }) => facts?.diskGib),
          diskFreeGib: sum(({ facts }) => facts?.diskFreeGib),
        },
        capacity: { cpu: sum(({ cpu }) => cpu), memory: sum(({ memory }) => memory), disk: sum(({ disk }) => disk) },
        allocated,
        qemuVersions: seen(online.map(({ facts }) => facts?.qemuVersion)),
        accelerators: seen(online.map(({ facts }) => facts?.accelerator)),
        withKvm: online.filter(({ facts }) => facts?.accelerator === "kvm").length,
      },
      vms: {
        total: vmRows.reduce((total, row) => total + row.count, 0),
        byStatus: Object.fromEntries(vmRows.map((row) => [row.status, row.count])),
      },
    } satisfies SystemInfo);
  })
  .get("/stats", query(StatsQuery), async (c) => {
    const { period } = c.req.valid("query");
    const { length, step } = periods[period];
    const now = Math.floor(Date.now() / 1000);
    const { current, series } = await readSamples(c.env.DB, now - length, step, now);
    if (!current) throw new Error("A statement without a table answered nothing");
    const stats = { period, stepSeconds: step, current: toPoint(current), series: series.map(toPoint) };
    return ok(c, stats satisfies SystemStats);
  });

function toPoint(row: SampleRow): StatsPoint {
  return {
    at: new Date(row.at * 1000).toISOString(),
    vms: row.vms,
    hosts: { total: row.hosts, online: row.hostsOnline },
    allocated: { cpu: row.allocatedCpu, memory: row.allocatedMemory, disk: row.allocatedDisk },
    capacity: { cpu: row.capacityCpu, memory: row.capacityMemory, disk: row.capacityDisk },
  };
}
