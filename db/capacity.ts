/**
 * How much a host may be given, from what it has. In SQL alone, so that a host that says hello, an overcommit that is
 * set for one host and one that is set for all are counted by the same rule.
 */
import { isNotNull, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { defaultConfig } from "../protocol/config.ts";
import { hosts } from "./schema.ts";

export interface Capacity {
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
}

/** Kept by each host for itself, in MiB. */
const reservedMemoryMib = 512;

/** Behind whatever changes facts or overcommit of the hosts in `where`, in the same batch. */
export function countCapacity(db: DrizzleD1Database, where?: SQL) {
  return db
    .update(hosts)
    .set({
      capacityCpu: promised("cpu", fact("cpus")),
      capacityMemory: promised("memory", sql`max(0, ${fact("memoryMib")} - ${reservedMemoryMib})`),
      capacityDisk: promised("disk", fact("diskGib")),
    })
    .where(where ?? isNotNull(hosts.facts));
}

/** A host on which no machine can run has room for none. */
function promised(what: keyof Capacity, room: SQL): SQL {
  const path = `$.${what}`;
  const configured = sql`(SELECT json_extract(value, ${`$.placement.overcommit.${what}`}) FROM settings)`;
  const times = sql`COALESCE(json_extract(hosts.overcommit, ${path}), ${configured},
    ${defaultConfig.placement.overcommit[what]})`;
  return sql`CASE WHEN ${fact("accelerator")} IS NULL THEN 0 ELSE CAST(${room} * ${times} AS INTEGER) END`;
}

function fact(name: string): SQL {
  return sql`json_extract(hosts.facts, ${`$.${name}`})`;
}
