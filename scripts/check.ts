/**
 * `npm run check`: all that must hold before a change goes in, the quick things first. Stops at the first that fails.
 * Arguments go to the tests.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { projectFolder } from "./project.ts";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** Its output is worth reading while it runs. */
  readonly loud?: boolean;
}

const binaries = join(projectFolder, "node_modules", ".bin");
const scratch = mkdtempSync(join(tmpdir(), "voidvm-check-"));

const steps: Step[] = [
  { name: "format", command: ["oxfmt", "--check"] },
  { name: "lint", command: ["oxlint", "--type-aware"] },
  { name: "types", command: ["tsc", "-b"] },
  { name: "deploy (dry run)", command: ["wrangler", "deploy", "--dry-run", "--outdir", join(scratch, "worker")] },
  { name: "tests", command: [process.execPath, "scripts/test.ts", ...process.argv.slice(2)], loud: true },
];

const env = {
  ...process.env,
  // The programs' own `node` must be the project's.
  PATH: [binaries, process.env["PATH"]].join(delimiter),
  // wrangler keeps its settings and logs in the user's home, asks for a newer version and reports its use.
  XDG_CONFIG_HOME: scratch,
  WRANGLER_LOG_PATH: join(scratch, "wrangler.log"),
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
};

const failed = steps.find((step) => !passes(step));
rmSync(scratch, { recursive: true, force: true });
process.exit(failed ? 1 : 0);

function passes({ name, command: [program = "", ...args], loud = false }: Step): boolean {
  if (loud) console.log(`     ${name} …`);
  const started = performance.now();
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: projectFolder,
    env,
    encoding: "utf8",
    stdio: loud ? "inherit" : ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1_048_576,
  });
  const ok = status === 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (!ok && !loud) console.log(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trimEnd());
  console.log(`${ok ? "ok  " : "FAIL"} ${name}, ${seconds} s`);
  return ok;
}
