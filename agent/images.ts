/**
 * The images that this host has. A file in the store is whole, verified and read-only, and is never replaced, because
 * disks are linked to it; what is on its way has another name.
 */
import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ImageReference } from "../protocol/operations.ts";
import { HostError, toHostError } from "./errors.ts";
import { fetchImage } from "./image-fetch.ts";
import type { HostPaths } from "./paths.ts";
import { isPublicAddress } from "./public-address.ts";
import { buildTinyImageApart } from "./tiny-image/build-apart.ts";
import { tinyImageVersion } from "./tiny-image/version.ts";

export interface ImageStoreOptions {
  /** For hosts whose images come from a server of their own network. */
  readonly allowPrivateAddresses?: boolean;
  /** 64 GiB unless said otherwise. */
  readonly maxImageBytes?: number;
}

/** `percent` of the whole, and what is being done. */
export type OnProgress = (percent: number, message: string) => void;

/** One fetch that all who want the image wait for. It is called off when none of them is left. */
interface Fetch {
  readonly done: Promise<string>;
  readonly waiting: Set<OnProgress>;
  readonly abort: AbortController;
}

/** Left free for the machines that run. */
const keepFreeBytes = 512 * 1024 ** 2;

export class ImageStore {
  readonly #paths: HostPaths;
  readonly #isAllowed: (address: string) => boolean;
  readonly #maxImageBytes: number;
  readonly #fetches = new Map<string, Fetch>();

  constructor(paths: HostPaths, options: ImageStoreOptions = {}) {
    this.#paths = paths;
    this.#isAllowed = options.allowPrivateAddresses ? () => true : isPublicAddress;
    this.#maxImageBytes = options.maxImageBytes ?? 64 * 1024 ** 3;
  }

  /** Removes what an agent that is gone left half-done. Call it before anything else. */
  async clean(): Promise<void> {
    await mkdir(this.#paths.imagesDir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#paths.imagesDir)) {
      const pid = /\.(\d+)-[0-9a-f]{8}\.part/.exec(name)?.[1];
      const isLeft = pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)));
      if (isLeft) await rm(join(this.#paths.imagesDir, name), { recursive: true, force: true });
    }
  }

  /**
   * Absolute path of the verified image, fetched or built if it isn't there.
   *
   * Errors: IMAGE_UNAVAILABLE, IMAGE_CHECKSUM_MISMATCH, IMAGE_UNSAFE, IMAGE_TOO_LARGE, NO_SPACE, CANCELLED. Nothing
   * half-done stays.
   */
  async ensure(image: ImageReference, onProgress: OnProgress = () => {}, signal?: AbortSignal): Promise<string> {
    const path = this.path(image);
    if (await isThere(path)) return path;
    if (signal?.aborted) throw cancelled(image.id);
    const fetch = this.#fetches.get(path) ?? this.#begin(image, path);
    // Its own function, even where two callers gave the same one.
    const listener: OnProgress = (percent, message) => onProgress(percent, message);
    fetch.waiting.add(listener);
    try {
      return await (signal ? Promise.race([fetch.done, whenAborted(signal, image.id)]) : fetch.done);
    } finally {
      fetch.waiting.delete(listener);
      if (fetch.waiting.size === 0) this.#end(path, fetch);
    }
  }

  /** Ids of those that are here whole, whichever of their contents it is. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.#paths.imagesDir);
    const ids = names.map((name) => /^(img-[a-z0-9.-]+)-[a-z0-9]+$/.exec(name)?.[1]);
    return [...new Set(ids.filter((id) => id !== undefined))].toSorted();
  }

  /** Where the image is or will be. Publishers change files under one address; what was fetched stays what it was. */
  path({ id, source }: ImageReference): string {
    if (source.from === "tiny") return this.#paths.image(id, tinyImageVersion());
    const { url, checksum, format } = source;
    const identity = JSON.stringify([url, checksum.algorithm, checksum.digest ?? checksum.listUrl, format]);
    return this.#paths.image(id, createHash("sha256").update(identity).digest("hex").slice(0, 16));
  }

  #begin(image: ImageReference, path: string): Fetch {
    const waiting = new Set<OnProgress>();
    const abort = new AbortController();
    const report: OnProgress = (percent, message) => waiting.forEach((listener) => listener(percent, message));
    const fetch: Fetch = { done: this.#obtain(image, path, report, abort.signal), waiting, abort };
    this.#fetches.set(path, fetch);
    fetch.done.catch(() => {});
    return fetch;
  }

  #end(path: string, fetch: Fetch): void {
    if (this.#fetches.get(path) === fetch) this.#fetches.delete(path);
    fetch.abort.abort();
  }

  async #obtain(image: ImageReference, path: string, report: OnProgress, signal: AbortSignal): Promise<string> {
    const part = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString("hex")}.part`);
    try {
      // Another fetch of it may have ended since somebody looked.
      if (await isThere(path)) return path;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const room = await this.#room();
      if (image.source.from === "tiny") await this.#buildTiny(part, report, signal);
      else await fetchImage(image.source, part, { maxBytes: room, isAllowed: this.#isAllowed, report, signal });
      await publish(part, path);
      return path;
    } catch (error) {
      throw signal.aborted ? cancelled(image.id) : toHostError(error);
    } finally {
      await rm(part, { force: true });
    }
  }

  async #buildTiny(part: string, report: OnProgress, signal: AbortSignal): Promise<void> {
    let lines = 0;
    // The builder says a line a stage; how many there are is its own matter.
    const log = (line: string) => report(Math.min(95, 15 * ++lines), line);
    await buildTinyImageApart({ output: part, cache: this.#paths.packageCache, log, signal }).catch((error: Error) => {
      if (/no space left|ENOSPC/i.test(error.message)) throw new HostError("NO_SPACE", error.message, { cause: error });
      throw new HostError("IMAGE_UNAVAILABLE", `The tiny image can't be built: ${error.message}`, { cause: error });
    });
  }

  async #room(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#paths.imagesDir);
    const room = bavail * bsize - keepFreeBytes;
    if (room > 0) return Math.min(room, this.#maxImageBytes);
    throw new HostError("NO_SPACE", "The host has less than 512 MiB of disk space left, too little for an image");
  }
}

/** Another agent of this machine may have been first. Its file stays, since disks may be linked to it by now. */
async function publish(part: string, path: string): Promise<void> {
  const file = await open(part, "r");
  try {
    await file.chmod(0o444);
    await file.sync();
  } finally {
    await file.close();
  }
  await link(part, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await syncFolder(dirname(path));
}

/** Makes a new name in it last through a loss of power. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size > 0,
    () => false,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function whenAborted(signal: AbortSignal, imageId: string): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(cancelled(imageId)), { once: true }));
}

function cancelled(imageId: string): HostError {
  return new HostError("CANCELLED", `Fetching ${imageId} was cancelled`);
}
