/** The edge's release as a host takes it: nothing of it counts before a pinned key and the hashes have vouched for it. */
import { createHash, createPublicKey, verify } from "node:crypto";
import { open, rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import {
  parseRelease,
  type Release,
  type ReleasePiece,
  releasePath,
  type SignedRelease,
} from "../../protocol/release.ts";

const manifestBytes = 262_144;
/** What one static asset may have. */
const pieceBytes = 25 * 1_048_576;
const timeoutMs = 120_000;
const tries = 3;

/** Errors: `Error` where the edge has no release, or none that one of the keys has signed. */
export async function fetchRelease(edge: string, pinned: readonly string[]): Promise<Release> {
  const bytes = await fetchAsset(edge, "manifest", manifestBytes);
  const signed = parseRelease(bytes.toString("utf8"));
  if (!isTrusted(signed, pinned)) {
    throw new Error(
      "The edge's release is not signed with a key that this host knows: run the installer again to trust it",
    );
  }
  return signed.release;
}

export function isTrusted({ signed, signatures }: SignedRelease, pinned: readonly string[]): boolean {
  return signatures.some(({ key, value }) => {
    if (!pinned.includes(key)) return false;
    const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: key }, format: "jwk" });
    return verify(null, Buffer.from(signed), publicKey, Buffer.from(value, "base64url"));
  });
}

/** Puts a file of the release at `path`, whole or not at all. Errors: `Error` where a hash is another. */
export async function downloadFile(
  edge: string,
  release: Release,
  { name, path, mode }: { readonly name: string; readonly path: string; readonly mode: number },
): Promise<void> {
  const entry = release.files.find((file) => file.name === name);
  if (!entry) throw new Error(`The release has no ${name}`);
  const beside = `${path}.new`;
  const file = await open(beside, "w", mode);
  const whole = createHash("sha256");
  try {
    for (const piece of entry.pieces) {
      const packed = await fetchPiece(edge, piece);
      const content =
        entry.encoding === "gzip" ? await promisify(gunzip)(packed, { maxOutputLength: entry.bytes }) : packed;
      whole.update(content);
      await file.writeFile(content);
    }
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
  if (whole.digest("hex") !== entry.sha256) throw new Error(`${name} is not what the manifest says`);
  await rename(beside, path);
}

async function fetchPiece(edge: string, { path, sha256, bytes }: ReleasePiece): Promise<Buffer> {
  const content = await fetchAsset(edge, path, Math.min(bytes, pieceBytes));
  if (createHash("sha256").update(content).digest("hex") !== sha256) {
    throw new Error(`${path} is not what the manifest says`);
  }
  return content;
}

/** A network that fails is tried again; an answer that is wrong is not. */
async function fetchAsset(edge: string, path: string, maxBytes: number): Promise<Buffer> {
  const url = `${edge}${releasePath}/${path}`;
  for (let left = tries - 1; ; left--) {
    try {
      return await fetchOnce(url, maxBytes);
    } catch (error) {
      if (error instanceof WrongAnswer || left === 0) {
        throw new Error(`${url}: ${(error as Error).message}`, { cause: error });
      }
      await sleep(1_000);
    }
  }
}

class WrongAnswer extends Error {}

async function fetchOnce(url: string, maxBytes: number): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) {
    await response.body?.cancel();
    const message = `it answered ${response.status}`;
    throw response.status >= 500 ? new Error(message) : new WrongAnswer(message);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new WrongAnswer("it is longer than the manifest says");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
