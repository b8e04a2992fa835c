/**
 * The images that this host has. A file in the store is whole, verified and read-only; what is on its way has another name.
 *
 * An image is fetched once, however many machines ask for it at the same time.
 */
import { randomUUID } from "node:crypto";
import { access, chmod, mkdir, open, readdir, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { ImageReference, ImageSource } from "../protocol/operations.ts";
import { findChecksum } from "./checksums.ts";
import { downloadFile, downloadText } from "./download.ts";
import { HostError } from "./errors.ts";
import { checkImage } from "./image-check.ts";
import type { HostPaths } from "./paths.ts";
import { run } from "./run.ts";
import { buildTinyImage } from "./tiny-image/build.ts";
import { tinyImageVersion } from "./tiny-image/version.ts";

export interface ImageStoreOptions {
  readonly allowPrivateAddresses?: boolean;
  readonly maxImageBytes?: number;
}

/** `percent` of the whole, and what is being done. */
export type OnProgress = (percent: number, message: string) => void;

type UrlSource = Extract<ImageSource, { from: "url" }>;

const gib = 1024 ** 3;
const keepFreeBytes = gib / 2;

export class ImageStore {
  readonly #paths: HostPaths;
  readonly #options: Required<ImageStoreOptions>;
  readonly #underWay = new Map<string, { done: Promise<string>; listeners: Set<OnProgress> }>();

  constructor(paths: HostPaths, options: ImageStoreOptions = {}) {
    this.#paths = paths;
    this.#options = { allowPrivateAddresses: false, maxImageBytes: 64 * gib, ...options };
  }

  /** Removes what an earlier life of the agent left half-done. Call it before anything else. */
  async clean(): Promise<void> {
    await mkdir(this.#paths.imagesDir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#paths.imagesDir)) {
      if (name.includes(".part")) await rm(join(this.#paths.imagesDir, name), { recursive: true, force: true });
    }
  }

  /**
   * Absolute path of the verified image, fetched or built if it isn't there.
   *
   * Errors: IMAGE_UNAVAILABLE, IMAGE_CHECKSUM_MISMATCH, IMAGE_UNSAFE, IMAGE_TOO_LARGE, NO_SPACE. Nothing half-done stays.
   */
  async ensure(image: ImageReference, onProgress: OnProgress = () => {}): Promise<string> {
    const path = this.#path(image);
    if (await isThere(path)) return path;
    let entry = this.#underWay.get(path);
    if (!entry) {
      const listeners = new Set<OnProgress>();
      const report: OnProgress = (percent, message) => listeners.forEach((listener) => listener(percent, message));
      const done = this.#obtain(image, path, report).finally(() => this.#underWay.delete(path));
      this.#underWay.set(path, (entry = { done, listeners }));
    }
    entry.listeners.add(onProgress);
    return entry.done;
  }

  /** The publisher's file changes under its address; what was fetched stays what it was until the store is emptied. */
  #path({ id, source }: ImageReference): string {
    const version = source.from === "tiny" ? tinyImageVersion : (source.checksum.digest?.slice(0, 16) ?? "published");
    return this.#paths.image(id, version);
  }

  async #obtain(image: ImageReference, path: string, report: OnProgress): Promise<string> {
    const part = `${path}.${randomUUID()}.part`;
    await mkdir(this.#paths.imagesDir, { recursive: true, mode: 0o700 });
    try {
      if (image.source.from === "tiny") await this.#buildTiny(part, report);
      else await this.#fetch(image.source, part, report);
      await chmod(part, 0o444);
      await rename(part, path);
      await syncFolder(this.#paths.imagesDir);
      return path;
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  async #buildTiny(part: string, report: OnProgress): Promise<void> {
    let line = 0;
    await buildTinyImage({
      output: part,
      cache: join(this.#paths.imagesDir, "tiny-packages"),
      // The builder says a line a stage; how many there are is its own matter.
      log: (message) => report(Math.min(95, 10 * ++line), message),
    }).catch((error: Error) => {
      throw error instanceof HostError ? error : new HostError("IMAGE_UNAVAILABLE", `tiny could not be built: ${error.message}`);
    });
  }

  async #fetch(source: UrlSource, part: string, report: OnProgress): Promise<void> {
    const { url, checksum, format } = source;
    const { allowPrivateAddresses, maxImageBytes } = this.#options;
    report(0, `Reading the checksum of ${url}`);
    const expected = await this.#expectedDigest(source);

    const { bavail, bsize } = await statfs(this.#paths.imagesDir);
    const maxBytes = Math.min(maxImageBytes, bavail * bsize - keepFreeBytes);
    if (maxBytes <= 0) throw new HostError("NO_SPACE", "The host has less than 512 MiB free, too little for an image");
    const digest = await downloadFile(url, part, checksum.algorithm, {
      maxBytes,
      allowPrivateAddresses,
      onProgress: (received, total) => {
        const percent = total === null ? 50 : Math.floor((received / total) * 90);
        report(percent, `Fetching ${url}: ${Math.floor(received / 1024 ** 2)} MiB`);
      },
    });
    if (digest !== expected) {
      throw new HostError("IMAGE_CHECKSUM_MISMATCH", `${url} is ${digest} and should be ${expected}`);
    }
    report(95, "Checking the image");
    await checkImage(part, format);
    if (format === "qcow2") await checkWithQemu(part);
  }

  async #expectedDigest({ url, checksum }: UrlSource): Promise<string> {
    if (checksum.digest !== undefined) return checksum.digest;
    const listUrl = checksum.listUrl;
    if (listUrl === undefined) throw new HostError("IMAGE_UNSAFE", `${url} comes without a checksum`);
    const { allowPrivateAddresses } = this.#options;
    const list = await downloadText(listUrl, { maxBytes: 1_048_576, allowPrivateAddresses });
    const file = new URL(url).pathname.split("/").at(-1) ?? "";
    const digest = findChecksum(list, file, checksum.algorithm);
    if (digest === null) throw new HostError("IMAGE_CHECKSUM_MISMATCH", `${listUrl} does not list ${file}`);
    return digest;
  }
}

/** QEMU's own check, in a process that can neither take all memory nor all time. */
async function checkWithQemu(path: string): Promise<void> {
  const limits = ["--as=2147483648", "--cpu=300"];
  await run("prlimit", [...limits, "qemu-img", "check", "-q", "-f", "qcow2", path], { timeoutMs: 600_000 }).catch(
    (error: HostError) => {
      throw new HostError("IMAGE_UNSAFE", `The image is damaged: ${error.message}`, { cause: error });
    },
  );
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
