/** What an administrator may set while everything runs: `GET /config` and `PUT /config`. */
import * as z from "zod";
import { defaultOs } from "./catalogue.ts";
import { Overcommit } from "./rest.ts";
import { PlacementStrategy, vmBounds } from "./vm.ts";

export const Config = z.strictObject({
  limits: z.strictObject({
    /** Of each user, and of each address where nobody is logged in. */
    requestsPerMinute: z.int().min(1).max(10_000_000),
    /** Tries for each name; an address has twice as many. */
    loginsPerMinute: z.int().min(1).max(10_000_000),
    /** At a time. */
    webSocketsPerUser: z.int().min(0).max(10_000),
    vmsPerFreeUser: z.int().min(0).max(100_000),
  }),
  /** What clients offer first. `os` is taken where a creation names neither `os` nor `image`. */
  defaults: z.strictObject({
    cpu: z.int().min(vmBounds.cpu.min).max(vmBounds.cpu.max),
    /** MiB. */
    memory: z.int().min(vmBounds.memory.min).max(vmBounds.memory.max),
    /** GiB. */
    disk: z.int().min(vmBounds.disk.min).max(vmBounds.disk.max),
    os: z.string().min(1).max(64),
  }),
  storage: z.strictObject({
    /** GiB that one machine's disk may have. */
    maxDisk: z.int().min(1).max(vmBounds.disk.max),
  }),
  network: z.strictObject({ defaultMode: z.enum(["user"]) }),
  agents: z.strictObject({
    /** Agents that the edge has a newer version for are told to become it, a few at a time. */
    autoUpdate: z.boolean(),
    /** How many hosts are between two versions at the same time. */
    updatesAtOnce: z.int().min(1).max(1000),
  }),
  placement: z.strictObject({
    /** Where a creation doesn't say. */
    strategy: PlacementStrategy,
    /** Of hosts for which nothing else was set. */
    overcommit: Overcommit.required(),
  }),
});
export type Config = z.infer<typeof Config>;

/** Body of `PUT /config`: what it doesn't name stays as it is. */
export const ConfigUpdate = z.strictObject({
  limits: Config.shape.limits.partial().optional(),
  defaults: Config.shape.defaults.partial().optional(),
  storage: Config.shape.storage.partial().optional(),
  network: Config.shape.network.partial().optional(),
  agents: Config.shape.agents.partial().optional(),
  placement: Config.shape.placement.extend({ overcommit: Overcommit }).partial().optional(),
});
export type ConfigUpdate = z.infer<typeof ConfigUpdate>;

export const defaultConfig: Config = {
  limits: { requestsPerMinute: 100, loginsPerMinute: 20, webSocketsPerUser: 10, vmsPerFreeUser: 5 },
  defaults: { cpu: 1, memory: 512, disk: 10, os: defaultOs },
  storage: { maxDisk: vmBounds.disk.max },
  network: { defaultMode: "user" },
  agents: { autoUpdate: false, updatesAtOnce: 2 },
  // vCPUs are time, and disks are thin: both may be promised several times over. Memory is not.
  placement: { strategy: "spread", overcommit: { cpu: 8, memory: 1, disk: 4 } },
};

/** What was set, laid over the defaults. What another version set and this one doesn't take is left out. */
export function configFrom(set: ConfigUpdate): Config {
  return laidOver(Config, defaultConfig, set) as Config;
}

function laidOver(schema: z.ZodType, fallback: unknown, set: unknown): unknown {
  if (!(schema instanceof z.ZodObject)) return schema.safeParse(set).success ? set : fallback;
  const given = (typeof set === "object" && set !== null ? set : {}) as Record<string, unknown>;
  const shape = schema.shape as Record<string, z.ZodType>;
  const entries = Object.entries(fallback as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, value]) => [key, laidOver(shape[key] as z.ZodType, value, given[key])]));
}
