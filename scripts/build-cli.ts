/** Builds the package voidvm: the command line in one file, so that it starts at once and needs nothing installed. */
import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { projectFolder } from "./project.ts";

/** Some of what is bundled asks for Node's own modules by `require`, which modules don't have. */
const banner = `#!/usr/bin/env node
import { createRequire as makeRequire } from "node:module";
const require = makeRequire(import.meta.url);`;

export async function buildCli(file = join(projectFolder, "cli/dist/voidvm.mjs")): Promise<string> {
  // Loaded only here: it takes 57 MiB.
  const { build, stop } = await import("esbuild");
  const { outputFiles } = await build({
    absWorkingDir: projectFolder,
    entryPoints: ["cli/main.ts"],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    minifySyntax: true,
    minifyWhitespace: true,
    banner: { js: banner },
    // Each is looked for and done without.
    external: ["@colors/colors", "bufferutil", "utf-8-validate"],
    logLevel: "silent",
  });
  await stop();
  await mkdir(dirname(file), { recursive: true });
  // Two may build at once: a reader sees one whole file or the other.
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, outputFiles[0]?.contents ?? "");
  await chmod(beside, 0o755);
  await rename(beside, file);
  return file;
}
