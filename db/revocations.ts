/** Keys of hosts that are good no more, until the hosts' objects have heard of it. */
import { and, eq, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { given } from "./given.ts";
import { hosts, revocations } from "./schema.ts";

export interface Revocation {
  readonly hostId: string;
  /** The oldest key that is still good; null: none. */
  readonly keySerial: number | null;
}

/** At most so many in one sweep; the next does the others. */
const sweepSize = 100;

/** For the batch that has deleted the host. Says nothing where the host is still there. */
export function revokeDeleted(db: DrizzleD1Database, hostId: string, now: string) {
  const row = db
    .select({
      hostId: given<string>(hostId, "host_id"),
      keySerial: given<null>(null, "key_serial"),
      createdAt: given<string>(now, "created_at"),
    })
    .from(sql`(SELECT 1)`)
    .where(sql`NOT EXISTS (SELECT 1 FROM hosts h WHERE h.id = ${hostId})`);
  return db
    .insert(revocations)
    .select(row)
    .onConflictDoUpdate({ target: revocations.hostId, set: { keySerial: null } });
}

/** For the batch that has spent the token: whatever was opened with an older key must go. */
export function revokeOlder(db: DrizzleD1Database, enrolmentHash: string, publicKey: string, now: string) {
  const row = db
    .select({ hostId: hosts.id, keySerial: hosts.keySerial, createdAt: given<string>(now, "created_at") })
    .from(hosts)
    .where(
      and(
        ...[eq(hosts.enrolmentHash, enrolmentHash), eq(hosts.publicKey, publicKey)],
        sql`${hosts.enrolledAt} IS NOT NULL AND ${hosts.keySerial} > 1`,
      ),
    );
  return db
    .insert(revocations)
    .select(row)
    .onConflictDoUpdate({ target: revocations.hostId, set: { keySerial: sql`excluded.key_serial` } });
}

export function pendingRevocations(d1: D1Database): Promise<Revocation[]> {
  return drizzle(d1)
    .select({ hostId: revocations.hostId, keySerial: revocations.keySerial })
    .from(revocations)
    .limit(sweepSize);
}

/** Only what was told: a newer one may have come meanwhile. */
export async function finishRevocation(d1: D1Database, { hostId, keySerial }: Revocation): Promise<void> {
  await drizzle(d1)
    .delete(revocations)
    .where(and(eq(revocations.hostId, hostId), sql`${revocations.keySerial} IS ${keySerial}`));
}
