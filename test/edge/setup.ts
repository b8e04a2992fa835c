/** Every file of tests has a database of its own; this gives it its tables. */
import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { updateConfig } from "../../db/config.ts";

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
// A file makes more requests than a person does. Tests of the limits set their own.
await updateConfig(env.DB, { limits: { requestsPerMinute: 100_000, loginsPerMinute: 10_000 } });
