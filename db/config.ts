/** What an administrator set: one row, merged by the database, so that two who set different things at once both get theirs. */
import { type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type Config, configFrom, type ConfigUpdate } from "../protocol/config.ts";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { countCapacity } from "./capacity.ts";
import { settings } from "./schema.ts";

export interface SeenConfig {
  readonly config: Config;
  /** The row as text; null where nothing was set yet. */
  readonly text: string | null;
}

export async function readConfig(d1: D1Database): Promise<Config> {
  return (await seeConfig(d1)).config;
}

export async function seeConfig(d1: D1Database): Promise<SeenConfig> {
  const [row] = await drizzle(d1)
    .select({ text: sql<string>`value` })
    .from(settings);
  return { config: configFrom(row ? (JSON.parse(row.text) as ConfigUpdate) : {}), text: row?.text ?? null };
}

/** Without `note` where nobody asked for it: an installation's own first values. */
export async function updateConfig(d1: D1Database, update: ConfigUpdate, note?: AuditNote): Promise<Config> {
  return (await merge(d1, update, note)) as Config;
}

/** Null where the configuration is not any more what was seen. */
export function updateSeenConfig(
  d1: D1Database,
  update: ConfigUpdate,
  note: AuditNote,
  { text }: SeenConfig,
): Promise<Config | null> {
  return merge(d1, update, note, sql`${settings.value} = ${text ?? ""}`);
}

async function merge(d1: D1Database, update: ConfigUpdate, note?: AuditNote, setWhere?: SQL): Promise<Config | null> {
  const db = drizzle(d1);
  const statement = db
    .insert(settings)
    .values({ one: 1, value: update, updatedAt: new Date().toISOString() })
    .onConflictDoUpdate({
      target: settings.one,
      set: { value: sql`json_patch(${settings.value}, excluded.value)`, updatedAt: sql`excluded.updated_at` },
      ...(setWhere ? { setWhere } : {}),
    })
    .returning({ value: settings.value });
  const audit = note ? [auditIfChanged(db, note)] : [];
  const counted = update.placement?.overcommit ? [countCapacity(db)] : [];
  const [[row]] = await db.batch([statement, ...audit, ...counted]);
  return row ? configFrom(row.value as ConfigUpdate) : null;
}
