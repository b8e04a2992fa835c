/** Which images lie on which host: what its agent says in each session, and what creations there have shown since. */
import { and, eq, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { hostImages, vms } from "./schema.ts";

/** Writes only what is different: a host that comes back has what it had. */
export function hostImageStatements(db: DrizzleD1Database, hostId: string, imageIds: readonly string[]) {
  const present = sql`SELECT value FROM json_each(${JSON.stringify(imageIds)})`;
  const gone = and(eq(hostImages.hostId, hostId), sql`${hostImages.imageId} NOT IN (${present})`);
  return [
    db.delete(hostImages).where(gone),
    db
      .insert(hostImages)
      .select(sql`SELECT j.value, h.id FROM json_each(${JSON.stringify(imageIds)}) j, hosts h WHERE h.id = ${hostId}`)
      .onConflictDoNothing(),
  ];
}

/** A machine was made there from its image. */
export function hasImageOf(db: DrizzleD1Database, hostId: string, vmId: string) {
  const made = db
    .select({ imageId: vms.imageId, hostId: vms.hostId })
    .from(vms)
    .where(and(eq(vms.id, vmId), eq(vms.hostId, hostId)));
  return db.insert(hostImages).select(made).onConflictDoNothing();
}
