/** Fetches a published image and lets it through only if it is what its publisher says and safe to open. */
import { basename } from "node:path/posix";
import type { ImageSource } from "../protocol/operations.ts";
import { findChecksum, isDigest } from "./checksums.ts";
import { downloadFile, downloadText } from "./download.ts";
import { HostError } from "./errors.ts";
import { checkImage } from "./image-check.ts";
import { ProgramError, run } from "./run.ts";

export type PublishedImage = Extract<ImageSource, { from: "url" }>;

export interface FetchOptions {
  readonly maxBytes: number;
  readonly isAllowed: (address: string) => boolean;
  readonly report: (percent: number, message: string) => void;
  readonly signal: AbortSignal;
}

const maxListBytes = 1_048_576;
/** For qemu-img, which reads what a stranger made. */
const limits = { memoryMib: 2_048, cpuSeconds: 300 };

/**
 * Writes the image to `part`, verified and checked. On failure the caller removes what is there.
 *
 * Errors: IMAGE_UNAVAILABLE, IMAGE_CHECKSUM_MISMATCH, IMAGE_UNSAFE, IMAGE_TOO_LARGE, NO_SPACE, CANCELLED.
 */
export async function fetchImage(image: PublishedImage, part: string, options: FetchOptions): Promise<void> {
  const { url, checksum, format } = image;
  const { maxBytes, isAllowed, report, signal } = options;
  const { host } = new URL(url);

  report(0, `Reading the checksum from ${host}`);
  const expected = await expectedDigest(image, options);
  const actual = await downloadFile(url, part, checksum.algorithm, {
    maxBytes,
    isAllowed,
    signal,
    onProgress: everyPercent((percent, received) => report(percent, `Fetching from ${host}: ${received} MiB`)),
  });
  if (actual !== expected) {
    throw new HostError(
      "IMAGE_CHECKSUM_MISMATCH",
      `What ${host} sent has the ${checksum.algorithm} ${actual} and should have ${expected}`,
    );
  }

  report(95, "Checking the image");
  const { virtualBytes } = await checkImage(part, format);
  if (format === "qcow2") await checkWithQemu(part, virtualBytes, signal);
}

async function expectedDigest(image: PublishedImage, options: FetchOptions): Promise<string> {
  const { url, checksum } = image;
  if (checksum.digest !== undefined) {
    if (isDigest(checksum.digest, checksum.algorithm)) return checksum.digest;
    throw new HostError("INVALID_ORDER", `The digest of ${url} is no ${checksum.algorithm}`);
  }
  if (checksum.listUrl === undefined) throw new HostError("INVALID_ORDER", `${url} comes without a checksum`);

  const { isAllowed, signal } = options;
  const list = await downloadText(checksum.listUrl, { maxBytes: maxListBytes, isAllowed, signal });
  const file = decodeURIComponent(basename(new URL(url).pathname));
  const digest = findChecksum(list, file, checksum.algorithm);
  if (digest !== null) return digest;
  throw new HostError("IMAGE_UNAVAILABLE", `${checksum.listUrl} has no ${checksum.algorithm} for ${file}`);
}

/** QEMU's own opinion, from a process that can take neither all memory nor all time. */
async function checkWithQemu(path: string, virtualBytes: number, signal: AbortSignal): Promise<void> {
  const options = { limits, timeoutMs: 600_000, signal };
  try {
    const { stdout } = await run("qemu-img", ["info", "--output=json", "-f", "qcow2", path], options);
    const info = JSON.parse(stdout) as Record<string, unknown>;
    if (info["virtual-size"] !== virtualBytes || "backing-filename" in info) {
      throw new HostError("IMAGE_UNSAFE", "The image is refused: QEMU reads its header differently");
    }
    await run("qemu-img", ["check", "-q", "-f", "qcow2", path], options);
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code === "NO_SPACE") throw error;
    // Status 3: clusters that nothing refers to. They cost room and do no harm.
    if (error.end !== 3)
      throw new HostError("IMAGE_UNSAFE", `The image is damaged: ${error.message}`, { cause: error });
  }
}

/** Calls with percent, up to 94, and MiB when the percentage changes; each mebibyte where the size isn't known. */
function everyPercent(tell: (percent: number, receivedMib: number) => void) {
  let last = -1;
  return (received: number, total: number | null) => {
    const receivedMib = Math.floor(received / 1024 ** 2);
    const percent = total ? Math.floor((received / total) * 94) : 0;
    const mark = total ? percent : receivedMib;
    if (mark === last) return;
    last = mark;
    tell(percent, receivedMib);
  };
}
