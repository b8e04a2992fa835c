/**
 * Remembers, beside the database and so moved and removed with it, that it has its tables and its administrator.
 *
 * To look into the database before the port is opened means to start workerd twice; this spares all starts but the
 * first that.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listMigrations, migrationsFolder } from "./migrations.ts";

export async function isPrepared(databaseFolder: string): Promise<boolean> {
  const noted = await readFile(fileIn(databaseFolder), "utf8").catch(() => null);
  return noted === (await wanted());
}

export async function notePrepared(databaseFolder: string): Promise<void> {
  await writeFile(fileIn(databaseFolder), await wanted());
}

async function wanted(): Promise<string> {
  return `${(await listMigrations(migrationsFolder)).join("\n")}\n`;
}

function fileIn(databaseFolder: string): string {
  return join(databaseFolder, "prepared");
}
