/**
 * Machines that a host reports and this database doesn't know, as after it was restored from a backup: they become the first
 * administrator's, with a label that says so.
 */
import { eq, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { VmReport, VmSpec } from "../protocol/operations.ts";
import { catalogue } from "../protocol/catalogue.ts";
import type { VmStatus } from "../protocol/vm.ts";
import { given } from "./given.ts";
import { users, vms } from "./schema.ts";

export interface Adopted {
  readonly vm: VmReport;
  readonly spec: VmSpec;
}

export const adoptedLabel = "voidvm/adopted";

/** Of the machines that a host reports: which are nobody's here, and which are another host's. */
export async function sortMachines(
  d1: D1Database,
  hostId: string,
  reported: readonly string[],
): Promise<{ unknown: string[]; foreign: string[] }> {
  const rows = await drizzle(d1).all<{ id: string; host_id: string | null }>(
    sql`SELECT r.value AS id, v.host_id FROM json_each(${JSON.stringify(reported)}) r LEFT JOIN vms v ON v.id = r.value
      WHERE v.host_id IS NOT ${hostId}`,
  );
  const idsOf = (isUnknown: boolean) => rows.filter((row) => (row.host_id === null) === isUnknown).map(({ id }) => id);
  return { unknown: idsOf(true), foreign: idsOf(false) };
}

/** One machine's row, unless there is one by now, or its MAC address is another's. */
export function adoption(db: DrizzleD1Database, hostId: string, { vm, spec }: Adopted, at: string) {
  const { cpu, memory, disk, image, network, macAddress, autostart } = spec;
  const os = catalogue.find(({ id }) => id === image.id)?.os ?? image.id.slice("img-".length);
  const row = {
    id: given<string>(vm.vmId, "id"),
    // The id is unique, and so is a name that holds it.
    name: given<string>(`adopted-${vm.vmId}`, "name"),
    description: given<string>("Found on its host without a record here", "description"),
    ownerId: users.id,
    hostId: given<string>(hostId, "host_id"),
    generation: given<number>(vm.generation, "generation"),
    // What the host says of it follows in the same batch.
    status: given<VmStatus>("stopped", "status"),
    observed: given<VmStatus>("stopped", "observed"),
    statusReason: given<null>(null, "status_reason"),
    cpu: given<number>(cpu, "cpu"),
    memory: given<number>(memory, "memory"),
    disk: given<number>(disk, "disk"),
    os: given<string>(os, "os"),
    imageId: given<string>(image.id, "image_id"),
    network: given<string>(network, "network"),
    macAddress: given<string>(macAddress, "mac_address"),
    autostart: given<boolean>(Number(autostart), "autostart"),
    protected: given<boolean>(0, "protected"),
    labels: given<Record<string, string>>(JSON.stringify({ [adoptedLabel]: at }), "labels"),
    accelerator: given<null>(null, "accelerator"),
    createdAt: given<string>(at, "created_at"),
    startedAt: given<null>(null, "started_at"),
    updatedAt: given<string>(at, "updated_at"),
  };
  const administrator = sql`(SELECT a.id FROM users a WHERE a.role = 'admin' AND a.disabled = 0
    ORDER BY a.created_at, a.id LIMIT 1)`;
  const isFree = sql`NOT EXISTS (SELECT 1 FROM vms v WHERE v.id = ${vm.vmId} OR v.mac_address = ${macAddress})
    AND EXISTS (SELECT 1 FROM hosts h WHERE h.id = ${hostId})`;
  return db.insert(vms).select(
    db
      .select(row)
      .from(users)
      .where(sql`${eq(users.id, administrator)} AND ${isFree}`),
  );
}
