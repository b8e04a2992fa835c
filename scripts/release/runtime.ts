/**
 * The Node that the release brings: the one of the npm package `node`, which the project itself runs on, in pieces that
 * are each a gzip file of its own; gzip files one after the other are one gzip file.
 *
 * Packing takes seconds, so the pieces stay in `dist/runtime` until the package has another version.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { projectFolder } from "../project.ts";

export interface PackedRuntime {
  readonly sha256: string;
  readonly bytes: number;
  readonly pieces: readonly Uint8Array[];
}

/** Of 15 MiB each before gzip, and so never above the 25 MiB that one static asset may have. */
const pieceBytes = 15 * 1_048_576;

export async function packRuntime(): Promise<PackedRuntime> {
  const packageFile = createRequire(import.meta.url).resolve("node/package.json");
  const { version } = JSON.parse(await readFile(packageFile, "utf8")) as { version: string };
  const cache = join(projectFolder, "dist", "runtime", version);
  if (!existsSync(cache)) await pack(join(dirname(packageFile), "bin", "node"), cache);
  const index = JSON.parse(await readFile(join(cache, "index.json"), "utf8")) as Omit<PackedRuntime, "pieces"> & {
    pieces: number;
  };
  const names = Array.from({ length: index.pieces }, (_, number) => join(cache, `${number}.gz`));
  return { ...index, pieces: await Promise.all(names.map((name) => readFile(name))) };
}

async function pack(file: string, cache: string): Promise<void> {
  const content = await readFile(file);
  const parts = Array.from({ length: Math.ceil(content.length / pieceBytes) }, (_, number) =>
    content.subarray(number * pieceBytes, (number + 1) * pieceBytes),
  );
  const pieces = await Promise.all(parts.map((part) => promisify(gzip)(part)));

  const beside = `${cache}.${process.pid}`;
  await mkdir(beside, { recursive: true });
  await Promise.all(pieces.map((piece, number) => writeFile(join(beside, `${number}.gz`), piece)));
  const sha256 = createHash("sha256").update(content).digest("hex");
  await writeFile(join(beside, "index.json"), JSON.stringify({ sha256, bytes: content.length, pieces: pieces.length }));
  // Another build may have been quicker, with the same.
  await rename(beside, cache).catch(() => rm(beside, { recursive: true }));
}
