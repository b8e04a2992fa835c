/**
 * Bundles the Worker into `dist/`, from where the local edge runs it, and its static assets into `dist/assets`: the
 * documentation page, and what hosts install. wrangler bundles the Worker for itself when it deploys.
 *
 * Nothing is done where no input has changed: most of a start's time would go into it.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buildAssets } from "./build-assets.ts";
import { projectFolder } from "./project.ts";
import { buildRelease } from "./release/build-release.ts";
import { replaceFile } from "./replace-file.ts";

export interface BuiltWorker {
  /** The bundle. */
  readonly worker: string;
  /** The folder of static assets. */
  readonly assets: string;
  /** The agent, bundled as hosts get it. */
  readonly agent: string;
  readonly changed: boolean;
}

const dist = join(projectFolder, "dist");
const workerFunctions = join(dist, "worker-functions.mjs");

const inputFolders = ["api", "db", "protocol"];
const inputFiles = ["package-lock.json", "scripts/build.ts", "scripts/build-assets.ts", "scripts/worker-functions.ts"];

export async function buildWorker(): Promise<BuiltWorker> {
  const [worker, assets, stamp] = [join(dist, "worker.mjs"), join(dist, "assets"), join(dist, "inputs")];
  const agent = await buildRelease(assets);
  const hash = await hashInputs();
  if ((await readIfThere(stamp)) === hash) return { worker, assets, agent, changed: false };

  await buildAssets();
  await bundleWorker("api/index.ts", worker);
  await bundleWorker("scripts/worker-functions.ts", workerFunctions);
  // Last, so that a build that was interrupted is done again.
  await replaceFile(stamp, hash);
  return { worker, assets, agent, changed: true };
}

/** From `entry`, below the project's folder, to `file` and its source map. */
export async function bundleWorker(entry: string, file: string): Promise<void> {
  // Loaded only here: esbuild takes 57 MiB, and the process that builds may live on as the supervisor.
  const { build, stop } = await import("esbuild");
  const { outputFiles } = await build({
    absWorkingDir: projectFolder,
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser", "import", "module"],
    external: ["node:*", "cloudflare:*"],
    sourcemap: "linked",
    logLevel: "silent",
  });
  await stop();
  await mkdir(dirname(file), { recursive: true });
  for (const { path, contents } of outputFiles) await replaceFile(path, contents);
}

/** For code that runs in Node; the bundle must be there. */
export function loadWorkerFunctions(): Promise<typeof import("./worker-functions.ts")> {
  return import(workerFunctions);
}

async function hashInputs(): Promise<string> {
  const files = [...inputFiles];
  for (const folder of inputFolders) {
    const names = await readdir(join(projectFolder, folder), { recursive: true });
    files.push(...names.filter((name) => /\.(ts|js|css|html)$/.test(name)).map((name) => join(folder, name)));
  }
  const hash = createHash("sha256");
  for (const name of files.toSorted()) {
    hash.update(`${name}\0`);
    hash.update(await readFile(join(projectFolder, name)));
  }
  return hash.digest("hex");
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const started = performance.now();
  const { worker, changed } = await buildWorker();
  const took = ((performance.now() - started) / 1000).toFixed(1);
  console.log(changed ? `Built ${worker} in ${took} s` : `${worker} is up to date`);
  // What clients are published as is nobody's to load at a start.
  const [{ buildSdk }, { buildCli }] = await Promise.all([import("./build-sdk.ts"), import("./build-cli.ts")]);
  console.log(`Built ${await buildSdk()}`);
  console.log(`Built ${await buildCli()}`);
}
