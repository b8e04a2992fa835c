/**
 * Gives the database its tables, as `wrangler d1 migrations apply` does on Cloudflare and with the same bookkeeping,
 * so that either can go on where the other stopped.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectFolder } from "../project.ts";

export const migrationsFolder = join(projectFolder, "db", "migrations");

const createBookkeeping = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** In the order in which they are applied. */
export async function listMigrations(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".sql")).toSorted();
}

/** Returns the names of those that were applied now. A migration is applied whole or not at all. */
export async function applyMigrations(db: D1Database, folder: string): Promise<string[]> {
  await db.prepare(createBookkeeping).run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));

  const missing = (await listMigrations(folder)).filter((name) => !applied.has(name));
  for (const name of missing) {
    const statements = splitStatements(await readFile(join(folder, name), "utf8"));
    const book = db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
    try {
      await db.batch([...statements.map((statement) => db.prepare(statement)), book]);
    } catch (error) {
      throw new Error(`Migration ${name} failed: ${(error as Error).message}`, { cause: error });
    }
  }
  return missing;
}

/** drizzle-kit writes a marker between statements. */
export function splitStatements(sql: string): string[] {
  const parts = sql.split("--> statement-breakpoint").map((part) => part.trim());
  return parts.filter((part) => part !== "");
}
