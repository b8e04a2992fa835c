/** `npm run bench:cli [-- ROUNDS]`: how long the command line takes to start, beside Node alone, in turn. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildCli } from "../scripts/build-cli.ts";
import { median, ms, quantile } from "./statistics.ts";

/** ms, of the whole process. */
const aim = 150;

const rounds = Number(process.argv[2] ?? 30);
const folder = await mkdtemp(join(tmpdir(), "voidvm-bench-"));
const file = await buildCli(join(folder, "voidvm.mjs"));
const cases: Record<string, string[]> = {
  "node alone": ["-e", "0"],
  "voidvm --version": [file, "--version"],
  "voidvm vm --help": [file, "vm", "--help"],
  "voidvm profile list": [file, "profile", "list"],
};
const taken = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, words] of Object.entries(cases)) {
    const started = performance.now();
    execFileSync(process.execPath, words, { env: { ...process.env, XDG_CONFIG_HOME: folder }, stdio: "ignore" });
    taken.set(name, [...(taken.get(name) ?? []), performance.now() - started]);
  }
}
await rm(folder, { recursive: true });

for (const [name, values] of taken) {
  console.log(
    `${name.padEnd(22)} median ${ms(median(values)).padStart(10)}   p95 ${ms(quantile(values, 0.95)).padStart(10)}`,
  );
}
const met = [...taken.values()].every((values) => median(values) <= aim);
console.log(`\n${met ? "met     " : "not met "} a command starts in ${aim} ms`);
