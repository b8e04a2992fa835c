/**
 * Fetches a file over HTTP(S) as from a stranger: bounded in size and time, redirects looked at one by one,
 * its digest taken while it is written.
 */
import { createHash, type Hash } from "node:crypto";
import { open } from "node:fs/promises";
import { get as getHttp, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";
import { HostError } from "./errors.ts";
import { publicLookup } from "./public-address.ts";

export interface DownloadOptions {
  readonly maxBytes: number;
  readonly allowPrivateAddresses: boolean;
  readonly signal?: AbortSignal | undefined;
}

const maxRedirects = 5;
const stallMs = 30_000;

/** The text of a small file. Errors: IMAGE_UNAVAILABLE. */
export async function downloadText(url: string, options: DownloadOptions): Promise<string> {
  const chunks: Buffer[] = [];
  await receive(url, options, async (chunk) => void chunks.push(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Writes the file to `path`, which must not be there, and returns its digest in hex.
 *
 * Errors: IMAGE_UNAVAILABLE, IMAGE_TOO_LARGE, NO_SPACE. What was written stays for the caller to remove.
 */
export async function downloadFile(
  url: string,
  path: string,
  algorithm: "sha256" | "sha512",
  options: DownloadOptions & { onProgress?: (received: number, total: number | null) => void },
): Promise<string> {
  const hash: Hash = createHash(algorithm);
  const file = await open(path, "wx", 0o600);
  let received = 0;
  try {
    await receive(url, options, async (chunk, total) => {
      hash.update(chunk);
      await file.write(chunk);
      received += chunk.length;
      options.onProgress?.(received, total);
    });
    await file.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") {
      throw new HostError("NO_SPACE", "The host's disk filled up while an image was fetched");
    }
    throw error;
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

async function receive(
  url: string,
  options: DownloadOptions,
  take: (chunk: Buffer, total: number | null) => Promise<void>,
): Promise<void> {
  const { response, end } = await request(new URL(url), options, 0);
  try {
    const length = Number(response.headers["content-length"]);
    const total = Number.isFinite(length) ? length : null;
    let received = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (Math.max(received, total ?? 0) > options.maxBytes) {
        throw new HostError("IMAGE_TOO_LARGE", `${url} is larger than ${options.maxBytes} bytes`);
      }
      await take(chunk, total);
    }
    if (total !== null && received !== total) throw new Error(`it ended after ${received} of ${total} bytes`);
  } catch (error) {
    throw unavailable(url, error);
  } finally {
    end();
  }
}

interface Reply {
  readonly response: IncomingMessage;
  end(): void;
}

async function request(url: URL, options: DownloadOptions, redirects: number): Promise<Reply> {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new HostError("IMAGE_UNAVAILABLE", `${url.protocol} is not a protocol that images are fetched by`);
  }
  const lookup = await publicLookup(url.hostname, options.allowPrivateAddresses);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const get = url.protocol === "https:" ? getHttps : getHttp;
  const call = get(url, { lookup, timeout: stallMs, headers: { "User-Agent": "voidvm-agent" } }, resolve);
  call.on("timeout", () => call.destroy(new Error(`nothing came for ${stallMs / 1000} s`)));
  call.on("error", reject);
  const abort = () => call.destroy(new Error("it was called off"));
  options.signal?.addEventListener("abort", abort, { once: true });
  const end = () => {
    options.signal?.removeEventListener("abort", abort);
    call.destroy();
  };
  let response: IncomingMessage;
  try {
    response = await promise;
  } catch (error) {
    end();
    throw unavailable(url.href, error);
  }
  const { statusCode = 0, headers } = response;
  if (statusCode === 200) return { response, end };
  end();
  if (statusCode < 300 || statusCode > 399 || headers.location === undefined) {
    throw new HostError("IMAGE_UNAVAILABLE", `${url.href} answered ${statusCode}`);
  }
  if (redirects >= maxRedirects) throw new HostError("IMAGE_UNAVAILABLE", `${url.href} redirects too often`);
  const next = new URL(headers.location, url);
  if (url.protocol === "https:" && next.protocol !== "https:") {
    throw new HostError("IMAGE_UNAVAILABLE", `${url.href} redirects away from TLS`);
  }
  return request(next, options, redirects + 1);
}

function unavailable(url: string, error: unknown): HostError {
  if (error instanceof HostError) return error;
  if ((error as NodeJS.ErrnoException).code === "ENOSPC") {
    return new HostError("NO_SPACE", "The host's disk filled up while an image was fetched");
  }
  return new HostError("IMAGE_UNAVAILABLE", `${url} could not be fetched: ${(error as Error).message}`);
}
