/** What an administrator set: one row, merged by the database, so that two who set different things at once both get theirs. */
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type Config, configFrom, type ConfigUpdate } from "../protocol/config.ts";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { settings } from "./schema.ts";

export async function readConfig(d1: D1Database): Promise<Config> {
  const [row] = await drizzle(d1).select({ value: settings.value }).from(settings);
  return configFrom((row?.value ?? {}) as ConfigUpdate);
}

/** Without `note` where nobody asked for it: an installation's own first values. */
export async function updateConfig(d1: D1Database, update: ConfigUpdate, note?: AuditNote): Promise<Config> {
  const db = drizzle(d1);
  const merge = db
    .insert(settings)
    .values({ one: 1, value: update, updatedAt: new Date().toISOString() })
    .onConflictDoUpdate({
      target: settings.one,
      set: { value: sql`json_patch(${settings.value}, excluded.value)`, updatedAt: sql`excluded.updated_at` },
    })
    .returning({ value: settings.value });
  const [[row]] = note ? await db.batch([merge, auditIfChanged(db, note)]) : await db.batch([merge]);
  return configFrom((row?.value ?? {}) as ConfigUpdate);
}
