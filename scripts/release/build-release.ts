/**
 * What a host installs, as static assets below `release/`: `install.sh`, which the Worker fills in, the signed manifest, and the
 * pieces that it names. A piece's name holds its hash, so that a host which began before a deployment finds the same bytes after it.
 *
 * Nothing is done where no input has changed.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { formatRelease, type Release, type ReleaseFile, releaseFiles } from "../../protocol/release.ts";
import { projectFolder, projectVersion } from "../project.ts";
import { replaceFile } from "../replace-file.ts";
import { bundleAgent, lowestNode } from "./bundle-agent.ts";
import { type PackedRuntime, packRuntime } from "./runtime.ts";
import { readSigningKeys, type SigningKey } from "./signing-keys.ts";

export interface ReleaseContents {
  readonly version: string;
  readonly agent: Uint8Array;
  /** `installer/voidvm-agent`, the program that people and systemd call. */
  readonly program: Uint8Array;
  readonly runtime: PackedRuntime;
}

/** Hosts that are in the middle of a download have so long to end it on the old pieces. */
const keepOldPiecesMs = 3_600_000;

const installer = join(projectFolder, "installer");
const inputFolders = ["agent", "protocol", "installer", "scripts/release"];
const inputFiles = ["package.json", "package-lock.json"];

/** `assets` is the folder that they go into. Returns the path of the same agent in one piece, for this machine. */
export async function buildRelease(assets: string): Promise<string> {
  const keys = await readSigningKeys();
  const folder = join(assets, "release");
  const [bundle, stamp] = [join(assets, "..", releaseFiles.agent), join(assets, "..", "release-inputs")];
  const hash = await hashInputs(keys);
  const isThere = [join(folder, "manifest"), bundle, stamp].every((file) => existsSync(file));
  if (isThere && (await readFile(stamp, "utf8")) === hash) return bundle;

  const [agent, program, runtime] = await Promise.all([
    bundleAgent(),
    readFile(join(installer, "voidvm-agent")),
    packRuntime(),
  ]);
  await writeRelease(folder, { version: projectVersion, agent, program, runtime }, keys);
  await replaceFile(join(folder, "install.sh"), await readFile(join(installer, "install.sh")));
  await replaceFile(bundle, agent);
  // Last, so that a build that was interrupted is done again.
  await replaceFile(stamp, hash);
  return bundle;
}

/** Puts a release's pieces into the folder, and its manifest last. */
export async function writeRelease(
  folder: string,
  { version, agent, program, runtime }: ReleaseContents,
  keys: readonly SigningKey[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const kept = new Set<string>();
  const addFile = async (
    name: string,
    whole: Pick<ReleaseFile, "sha256" | "bytes" | "encoding">,
    contents: readonly Uint8Array[],
  ): Promise<ReleaseFile> => {
    const pieces = contents.map((content, number) => {
      const sha256 = hashOf(content);
      return { sha256, bytes: content.length, path: `${name}.${number}.${sha256.slice(0, 16)}`, content };
    });
    for (const { path, content } of pieces) {
      kept.add(path);
      if (!existsSync(join(folder, path))) await replaceFile(join(folder, path), content);
    }
    return { name, ...whole, pieces: pieces.map(({ sha256, bytes, path }) => ({ sha256, bytes, path })) };
  };
  const addPlain = (name: string, content: Uint8Array) =>
    addFile(name, { sha256: hashOf(content), bytes: content.length, encoding: "plain" }, [content]);

  const { sha256, bytes } = runtime;
  const release: Release = {
    version,
    node: lowestNode,
    keys: keys.map(({ id }) => id),
    files: [
      await addPlain(releaseFiles.agent, agent),
      await addPlain(releaseFiles.program, program),
      await addFile(releaseFiles.runtime, { sha256, bytes, encoding: "gzip" }, runtime.pieces),
    ],
  };
  const text = formatRelease(release);
  const signatures = keys.map((key) => `signature ${key.id} ${key.sign(text)}\n`);
  await replaceFile(join(folder, "manifest"), text + signatures.join(""));
  await removeOld(folder, kept);
}

async function removeOld(folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === "manifest" || name === "install.sh" || kept.has(name)) continue;
    const file = join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > keepOldPiecesMs) await rm(file, { force: true });
  }
}

async function hashInputs(keys: readonly SigningKey[]): Promise<string> {
  const files = [...inputFiles];
  for (const folder of inputFolders) {
    const entries = await readdir(join(projectFolder, folder), { recursive: true, withFileTypes: true });
    files.push(...entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
  }
  const hash = createHash("sha256");
  for (const { id } of keys) hash.update(`${id}\0`);
  for (const name of files.toSorted()) {
    hash.update(`${name}\0`);
    hash.update(await readFile(name.startsWith("/") ? name : join(projectFolder, name)));
  }
  return hash.digest("hex");
}

function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
