/**
 * The Python SDK's own tests, run by pytest against a whole VoidVM: each of them is one here too.
 *
 * They run once, before the first is looked at. What they can't do by themselves, ending the edge's processes, they ask
 * for over a port that this opens.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, it } from "vitest";
import { projectFolder } from "../../scripts/project.ts";
import { Cloud } from "./cloud.ts";

const folder = join(projectFolder, "sdk/python");
/** Debian's own, which Debian's packages are for. */
const python = "/usr/bin/python3";

interface Report {
  readonly outcome: "passed" | "failed" | "skipped";
  readonly why: string;
}

const names = await collect();
let cloud: Cloud;
let control: Server;
let reports: Record<string, Report> = {};
let output = "";

beforeAll(async () => {
  cloud = await Cloud.start();
  control = createServer((request, response) => {
    if (request.url === "/kill/edge") cloud.kill("workerd");
    response.end();
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
  const file = join(cloud.home, "pytest.json");
  const { port } = control.address() as AddressInfo;
  output = await pytest(["--durations=5"], {
    VOIDVM_URL: cloud.base,
    VOIDVM_CONTROL: `http://127.0.0.1:${port}`,
    VOIDVM_REPORT: file,
  });
  reports = JSON.parse(readFileSync(file, "utf8")) as typeof reports;
});

afterAll(async () => {
  control?.close();
  await cloud?.dispose();
});

it.each(names)("%s", (name) => {
  const { outcome, why } = reports[name] ?? { outcome: "missing", why: output };
  if (outcome !== "passed") throw new Error(why);
});

async function collect(): Promise<string[]> {
  const listed = await pytest(["--collect-only", "-q"], {});
  const found = listed.split("\n").filter((line) => line.includes("::"));
  if (found.length === 0) throw new Error(`pytest found no tests:\n${listed}`);
  return found;
}

/** What it printed, whether tests failed or not. */
async function pytest(args: readonly string[], more: Record<string, string>): Promise<string> {
  const env = {
    ...process.env,
    ...more,
    PYTHONPATH: join(folder, "src"),
    PYTHONDONTWRITEBYTECODE: "1",
    // No plugins that happen to be on this machine.
    PYTEST_DISABLE_PLUGIN_AUTOLOAD: "1",
  };
  const run = promisify(execFile)(python, ["-m", "pytest", "-p", "no:cacheprovider", ...args, "tests"], {
    cwd: folder,
    env,
    maxBuffer: 64 * 1_048_576,
    timeout: 540_000,
  });
  const { stdout } = await run.catch((error: { stdout?: string; stderr?: string }) => ({
    stdout: `${error.stdout ?? ""}${error.stderr ?? ""}`,
  }));
  return stdout;
}
