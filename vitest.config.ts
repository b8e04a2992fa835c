/** Three kinds of tests: in Node, inside workerd, and of whole processes. `npm test` runs them all. */
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { buildAssets } from "./scripts/build-assets.ts";
import { buildRelease } from "./scripts/release/build-release.ts";

await buildRelease(await buildAssets());

/** A whole guest, which others' load would starve of its deadlines: it runs where the machines run one by one. */
const guestTests = "test/agent/guest.test.ts";

export default defineConfig({
  test: {
    // What a test printed is worth reading when it failed.
    silent: "passed-only",
    projects: [
      {
        test: {
          name: "unit",
          environment: "node",
          include: ["test/{protocol,db,api,agent,scripts,sdk,cli}/**/*.test.ts"],
          exclude: [guestTests],
          testTimeout: 15_000,
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
          testTimeout: 15_000,
        },
      },
      {
        test: {
          name: "e2e",
          environment: "node",
          include: ["test/{e2e,chaos}/**/*.test.ts", guestTests],
          // Each starts machines of its own: two at a time on two cores would only run into each other's deadlines.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
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
