import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { applyMigrations, migrationsFolder, splitStatements } from "../../../scripts/edge/migrations.ts";

let miniflare: Miniflare;
let db: D1Database;
let folder: string;

beforeAll(async () => {
  const modules = [{ type: "ESModule" as const, path: "worker.mjs", contents: "export default {};" }];
  miniflare = new Miniflare(
    convertV4MiniflareOptions({ cf: false, workers: [{ name: "test", modules, d1Databases: ["DB"] }] }),
  );
  db = (await miniflare.getD1Database("DB")) as unknown as D1Database;
});
afterAll(() => miniflare.dispose());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-migrations-"));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  const tables = (await tableNames()).filter((name) => name !== "sqlite_sequence");
  if (tables.length > 0) await db.batch(tables.map((name) => db.prepare(`DROP TABLE "${name}"`)));
});

async function tableNames(): Promise<string[]> {
  const { results } = await db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name")
    .all<{ name: string }>();
  return results.map(({ name }) => name);
}

describe("migrations", () => {
  it("are applied in the order of their names, and once", async () => {
    writeFileSync(join(folder, "0001_b.sql"), "INSERT INTO a VALUES (1);");
    writeFileSync(join(folder, "0000_a.sql"), "CREATE TABLE a (x);\n--> statement-breakpoint\nCREATE TABLE b (x);\n");

    expect(await applyMigrations(db, folder)).toEqual(["0000_a.sql", "0001_b.sql"]);
    expect(await applyMigrations(db, folder)).toEqual([]);
    expect(await db.prepare("SELECT count(*) AS n FROM a").first("n")).toBe(1);
  });

  it("are kept in wrangler's books", async () => {
    writeFileSync(join(folder, "0000_a.sql"), "CREATE TABLE a (x);");
    await applyMigrations(db, folder);

    const row = await db.prepare("SELECT * FROM d1_migrations").first();
    expect(row).toEqual({ id: expect.any(Number), name: "0000_a.sql", applied_at: expect.any(String) });
  });

  it("that fail leave nothing of themselves, and all before them", async () => {
    writeFileSync(join(folder, "0000_a.sql"), "CREATE TABLE a (x);");
    writeFileSync(join(folder, "0001_b.sql"), "CREATE TABLE b (x);\n--> statement-breakpoint\nCREATE TABLE a (x);");

    await expect(applyMigrations(db, folder)).rejects.toThrow(/^Migration 0001_b\.sql failed: /);
    expect(await tableNames()).toContain("a");
    expect(await tableNames()).not.toContain("b");
    expect(await db.prepare("SELECT name FROM d1_migrations").all()).toMatchObject({
      results: [{ name: "0000_a.sql" }],
    });
  });

  it("of the project make every table on an empty database", async () => {
    await applyMigrations(db, migrationsFolder);
    expect(await tableNames()).toEqual(expect.arrayContaining(["hosts", "operations", "users", "vms"]));
  });

  it("are split at drizzle's marker and nowhere else", () => {
    expect(splitStatements("A;\n--> statement-breakpoint\nB ';' B;\n--> statement-breakpoint\n")).toEqual([
      "A;",
      "B ';' B;",
    ]);
  });
});
