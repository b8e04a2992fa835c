/** Three kinds of tests: in Node, inside workerd, and of whole processes. `npm test` runs them all. */
import { availableParallelism } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { buildAssets } from "./scripts/build-assets.ts";
import { buildRelease } from "./scripts/release/build-release.ts";

await buildRelease(await buildAssets());

/** A whole guest, which takes as long as the machines do and needs their deadlines. */
const guestTests = "test/agent/guest.test.ts";
/**
 * Files at a time. Vitest's own choice leaves a core free, which on two cores is every other one. A file with machines takes
 * up to a core and a GiB, and waits for much of its time.
 */
const workers = Math.min(4, Math.max(2, availableParallelism()));

export default defineConfig({
  test: {
    // What a test printed is worth reading when it failed.
    silent: "passed-only",
    maxWorkers: workers,
    projects: [
      {
        test: {
          name: "unit",
          environment: "node",
          include: ["test/{protocol,db,api,agent,scripts,sdk,cli}/**/*.test.ts"],
          exclude: [guestTests],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { ...edgeSecrets, TEST_MIGRATIONS: await readD1Migrations("db/migrations") } },
          })),
        ],
        test: {
          name: "edge",
          include: ["test/edge/**/*.test.ts"],
          setupFiles: ["test/edge/setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          environment: "node",
          include: ["test/{e2e,chaos}/**/*.test.ts", guestTests],
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

/** What Cloudflare holds as secrets. The key signs nothing outside of the tests. */
const edgeSecrets = {
  VOIDVM_JWT_KEYS: "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  VOIDVM_DEFAULT_ADMIN: "allowed",
};
