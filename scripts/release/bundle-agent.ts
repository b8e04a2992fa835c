/**
 * The agent as one file that runs on any host with Node: its packages, and the files that `tiny` is made of, are inside.
 *
 * By hand, to keep what an earlier commit's agent was: `node scripts/release/bundle-agent.ts COMMIT OUTPUT`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Plugin } from "esbuild";
import { tinyImageVersion } from "../../agent/tiny-image/version.ts";
import { projectFolder, projectVersion } from "../project.ts";

/** From here on `node:sqlite` needs no flag, and `fetch` goes through the proxy that the environment names. */
export const lowestNode = "22.21.0";

/**
 * The options of Node that the agent runs with. They stand in the bundle's first line, from where `installer/voidvm-agent`
 * takes them, so that they come and go with a version.
 *
 * The young generation's two halves would grow to 16 MiB each and stay so, for an agent that makes little garbage: 5 MiB
 * of resident memory after a start, 20 MiB once it has worked.
 */
export const agentNodeOptions: readonly string[] = [
  "--max-semi-space-size=1",
  // On SQLite.
  "--disable-warning=ExperimentalWarning",
];

interface BundleOptions {
  readonly folder: string;
  /** Below `folder`. */
  readonly entry: string;
  readonly define: Readonly<Record<string, string>>;
}

export function bundleAgent(version: string = projectVersion): Promise<Uint8Array> {
  const bundled = { version, tiny: { version: tinyImageVersion(), files: readTinyFiles() } };
  return bundle({
    folder: projectFolder,
    entry: "agent/command-line.ts",
    define: { bundledAgent: JSON.stringify(bundled) },
  });
}

async function bundle({ folder, entry, define }: BundleOptions): Promise<Uint8Array> {
  // Loaded only here: esbuild takes 57 MiB, and the process that builds may live on as the supervisor.
  const { build, stop } = await import("esbuild");
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: `node${lowestNode}`,
    define,
    plugins: [requireBuiltins],
    // Optional parts of ws and ssh2, in native code.
    external: ["bufferutil", "utf-8-validate", "cpu-features", "*.node"],
    // Packages of CommonJS use them.
    banner: {
      js: `// node ${agentNodeOptions.join(" ")}
import { createRequire } from "node:module"; const require = createRequire(import.meta.url), __dirname = import.meta.dirname;`,
    },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "inline",
    logLevel: "silent",
  });
  await stop();
  const [file] = outputFiles;
  if (!file) throw new Error(`esbuild made nothing of ${entry}`);
  return file.contents;
}

/**
 * Node's own modules are required and not imported. An import reads every export, and those of `node:http` that are made
 * when they are read bring undici and HTTP/2 along, for which the agent has no use: 2 MiB.
 */
const requireBuiltins: Plugin = {
  name: "require-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "require-call" ? { path, external: true } : { path, namespace: "builtin" },
    );
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

function readTinyFiles(): Record<string, string> {
  const root = join(projectFolder, "agent", "tiny-image");
  const files = ["rootfs", "initramfs"].flatMap((name) =>
    readdirSync(join(root, name), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name)),
  );
  return Object.fromEntries(files.toSorted().map((file) => [relative(root, file), readFileSync(file, "utf8")]));
}

/** As it was at a commit, entered as it was entered then. */
async function bundleEarlier(commit: string, output: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "voidvm-earlier-"));
  try {
    const parts = ["agent", "protocol", "package.json", "tsconfig.base.json"];
    const archive = spawnSync("git", ["archive", commit, ...parts], { cwd: projectFolder, maxBuffer: 64 * 1_048_576 });
    if (archive.status !== 0) throw new Error(archive.stderr.toString());
    spawnSync("tar", ["--extract", "--directory", folder], { input: archive.stdout });
    symlinkSync(join(projectFolder, "node_modules"), join(folder, "node_modules"));
    writeFileSync(output, await bundle({ folder, entry: "agent/main.ts", define: {} }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [, , commit, output] = process.argv;
  if (!commit || !output) throw new Error("usage: node scripts/release/bundle-agent.ts COMMIT OUTPUT");
  await bundleEarlier(commit, output);
}
