/**
 * The manifest of a release: what the edge offers to its hosts, as lines of words that a shell script reads as well.
 *
 * Everything above the first `signature` line is signed. A file is its pieces one after the other; the hash of the
 * whole is that of the file as it is installed, after gunzip where its encoding says so.
 */

export const releaseFormat = "voidvm-release 1";

export const releaseFiles = {
  agent: "agent.mjs",
  program: "voidvm-agent",
  runtime: "node-linux-x64",
} as const;

/** Below the edge's origin. */
export const releasePath = "/release";

export interface ReleasePiece {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Below `releasePath`. */
  readonly path: string;
}

export interface ReleaseFile {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly encoding: "plain" | "gzip";
  readonly pieces: readonly ReleasePiece[];
}

export interface Release {
  readonly version: string;
  /** The lowest Node that runs the agent; the release brings the one that it was tested with. */
  readonly node: string;
  /** `x` of each Ed25519 key whose signature counts from this release on. */
  readonly keys: readonly string[];
  readonly files: readonly ReleaseFile[];
}

export interface Signature {
  readonly key: string;
  /** In base64url. */
  readonly value: string;
}

export interface SignedRelease {
  readonly release: Release;
  /** What the signatures are over. */
  readonly signed: string;
  readonly signatures: readonly Signature[];
}

export function formatRelease({ version, node, keys, files }: Release): string {
  const lines = [releaseFormat, `version ${version}`, `node ${node}`, ...keys.map((key) => `key ${key}`)];
  for (const { name, sha256, bytes, encoding, pieces } of files) {
    lines.push(`file ${name} ${sha256} ${bytes} ${encoding}`);
    lines.push(...pieces.map((piece) => `piece ${piece.sha256} ${piece.bytes} ${piece.path}`));
  }
  return `${lines.join("\n")}\n`;
}

/** Errors: `Error` where it is not a manifest of this format. Whether it may be trusted is another question. */
export function parseRelease(text: string): SignedRelease {
  const signatureAt = text.search(/^signature /m);
  const signed = signatureAt < 0 ? text : text.slice(0, signatureAt);
  const lines = signed.trimEnd().split("\n");
  if (lines.shift() !== releaseFormat) throw new Error("It is not a manifest of a release");

  let [version, node] = ["", ""];
  const keys: string[] = [];
  const files: (ReleaseFile & { readonly pieces: ReleasePiece[] })[] = [];
  for (const line of lines) {
    const [word, first = "", second = "", third = "", fourth = ""] = line.split(" ");
    if (word === "version" && isVersion(first)) version = first;
    else if (word === "node" && isVersion(first)) node = first;
    else if (word === "key" && isKey(first)) keys.push(first);
    else if (word === "file" && isName(first) && isHash(second) && (fourth === "plain" || fourth === "gzip")) {
      files.push({ name: first, sha256: second, bytes: toBytes(third), encoding: fourth, pieces: [] });
    } else if (word === "piece" && isHash(first) && isName(third) && files.length > 0) {
      files.at(-1)?.pieces.push({ sha256: first, bytes: toBytes(second), path: third });
    } else throw new Error(`The manifest has a line that is not of its format: ${line.slice(0, 100)}`);
  }
  if (version === "" || node === "" || keys.length === 0) throw new Error("The manifest is not whole");
  return { release: { version, node, keys, files }, signed, signatures: parseSignatures(text.slice(signed.length)) };
}

/** Negative where `one` is the older. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((version) => version.split(".").map(Number)) as [number[], number[]];
  const at = left.findIndex((number, index) => number !== right[index]);
  return at < 0 ? 0 : (left[at] as number) - (right[at] ?? 0);
}

export function isVersion(text: string): boolean {
  return /^\d{1,6}\.\d{1,6}\.\d{1,6}$/.test(text);
}

function parseSignatures(text: string): Signature[] {
  return [...text.matchAll(/^signature ([\w-]{43}) ([\w-]{86})$/gm)].map(([, key = "", value = ""]) => ({
    key,
    value,
  }));
}

const isKey = (text: string) => /^[\w-]{43}$/.test(text);
const isHash = (text: string) => /^[0-9a-f]{64}$/.test(text);
/** Never a path that leads elsewhere. */
const isName = (text: string) => /^[a-z0-9][a-z0-9._-]{0,99}$/.test(text);

function toBytes(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`The manifest gives a size that is no number: ${text.slice(0, 20)}`);
  return Number(text);
}
