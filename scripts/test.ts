/**
 * `npm test`: runs every test and ends with one plain line, `N passed, N failed, N skipped`.
 *
 * Arguments are vitest's: a part of a file's name, `--project unit`, `-t "a name"`. It fails where a test failed, and
 * where none ran.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCLI, startVitest } from "vitest/node";
import { count } from "./test/count.ts";
import { describeQemu, describeRuns } from "./test/qemu-runs.ts";

const folder = mkdtempSync(join(tmpdir(), "voidvm-test-"));
const spawnLog = join(folder, "spawned.log");
process.env["VOIDVM_SPAWN_LOG"] = spawnLog;

const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
const vitest = await startVitest("test", filter, { ...options, watch: false });
const { passed, failed, skipped, skippedBecause } = count(
  vitest.state.getTestModules(),
  vitest.state.getUnhandledErrors().length,
);
await vitest.close();

for (const [reason, names] of skippedBecause) {
  console.log(`Skipped because ${reason}:`);
  for (const name of names) console.log(`  ${name}`);
}
console.log(await describeQemu());
console.log(describeRuns(spawnLog));
rmSync(folder, { recursive: true, force: true });
if (passed + failed === 0) console.log("No test ran, which counts as a failure.");
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || passed === 0 || process.exitCode ? 1 : 0);
