import { defineConfig } from "drizzle-kit";

/** `npm run db:generate` writes the migration from the schema; wrangler and `npm start` apply it. */
export default defineConfig({ dialect: "sqlite", schema: "./db/schema.ts", out: "./db/migrations" });
