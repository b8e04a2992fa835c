/**
 * Fetches a file over HTTP(S) as from a stranger: every hop's address is looked at before anything is sent to it, size
 * and time are bounded, and the digest is taken while the file is written.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Algorithm } from "./checksums.ts";
import { HostError, toHostError } from "./errors.ts";
import { type HopOptions, request } from "./http-hop.ts";

export interface DownloadOptions extends Omit<HopOptions, "signal"> {
  readonly maxBytes: number;
  /** A server that sends nothing for so long is given up. 30 s unless said otherwise. */
  readonly stallMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** `total` is what the server says; null where it doesn't. */
  readonly onProgress?: (received: number, total: number | null) => void;
}

const maxRedirects = 5;
/** However slowly it comes. */
const maxDurationMs = 4 * 3_600_000;

/** The text of a small file. Errors: IMAGE_UNAVAILABLE, IMAGE_TOO_LARGE, CANCELLED. */
export async function downloadText(url: string, options: DownloadOptions): Promise<string> {
  const chunks: Buffer[] = [];
  await receive(url, options, async (body) => {
    for await (const chunk of body) chunks.push(chunk);
  });
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Writes the file to `path`, which must not be there, and returns its digest in hex.
 *
 * Errors: IMAGE_UNAVAILABLE, IMAGE_TOO_LARGE, NO_SPACE, CANCELLED. What was written stays for the caller to remove.
 */
export async function downloadFile(
  url: string,
  path: string,
  algorithm: Algorithm,
  options: DownloadOptions,
): Promise<string> {
  const hash = createHash(algorithm);
  await receive(url, options, async (body) => {
    const file = await open(path, "wx", 0o600);
    const hashed = async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(body, hashed, file.createWriteStream({ flush: true }));
  });
  return hash.digest("hex");
}

async function receive(
  url: string,
  options: DownloadOptions,
  take: (body: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const { maxBytes, stallMs = 30_000, onProgress } = options;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(new Error(`it sent nothing for ${stallMs / 1000} s`)), stallMs);
  const late = AbortSignal.timeout(maxDurationMs);
  const signal = AbortSignal.any([stalled.signal, late, ...(options.signal ? [options.signal] : [])]);
  let host = new URL(url).host;
  let received = 0;
  try {
    const response = await follow(new URL(url), { ...options, signal }, (hop) => {
      host = hop.host;
      timer.refresh();
    });
    const total = lengthOf(response);
    const tooLarge = () => new HostError("IMAGE_TOO_LARGE", `${url} is larger than ${describeSize(maxBytes)}`);
    if (total !== null && total > maxBytes) throw tooLarge();

    const counted = async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        timer.refresh();
        received += chunk.length;
        if (received > maxBytes) throw tooLarge();
        onProgress?.(received, total);
        yield chunk;
      }
    };
    await take(counted(response));
  } catch (error) {
    if (options.signal?.aborted) throw new HostError("CANCELLED", `Fetching ${url} was cancelled`);
    const cause = signal.aborted ? signal.reason : error;
    throw unavailable(host, received, cause as Error);
  } finally {
    clearTimeout(timer);
    // Ends the connection too, whatever it was doing.
    stalled.abort();
  }
}

/** Follows redirects by hand, since each goes to an address of a stranger's choice. */
async function follow(first: URL, options: HopOptions, onHop: (url: URL) => void): Promise<IncomingMessage> {
  let url = first;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    onHop(url);
    const response = await request(url, options);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) {
      throw new HostError("IMAGE_UNAVAILABLE", `${url.host} answers ${statusCode} for ${url.pathname}`);
    }
    const next = URL.parse(headers.location, url.href);
    if (next === null) throw new HostError("IMAGE_UNAVAILABLE", `${url.host} redirects to what is no address`);
    if (url.protocol === "https:" && next.protocol === "http:") {
      throw new HostError("IMAGE_UNAVAILABLE", `${url.host} redirects to ${next.host} without encryption`);
    }
    url = next;
  }
  throw new HostError("IMAGE_UNAVAILABLE", `${first.host} redirects more than ${maxRedirects} times`);
}

function lengthOf({ headers }: IncomingMessage): number | null {
  const length = Number(headers["content-length"] ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : null;
}

function unavailable(host: string, received: number, error: Error): HostError {
  const known = toHostError(error);
  if (known.code !== "HOST_ERROR") return known;
  const when = received > 0 ? ` after ${describeSize(received)}` : "";
  return new HostError("IMAGE_UNAVAILABLE", `The image can't be fetched from ${host}: ${reasonOf(error)}${when}`, {
    cause: error,
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name can't be resolved, as on a host without a network",
  ECONNREFUSED: "it refuses the connection",
  ECONNRESET: "it broke off the connection",
  ERR_STREAM_PREMATURE_CLOSE: "it broke off the connection",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to it",
};

function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = "", message } = error;
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS)/.test(code)) return `its certificate is not valid (${code})`;
  return reasons[code] ?? (message || code || "for no known reason");
}

function describeSize(bytes: number): string {
  return bytes < 1024 ** 2 ? `${bytes} bytes` : `${Math.floor(bytes / 1024 ** 2)} MiB`;
}
