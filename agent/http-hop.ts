/**
 * One HTTP(S) request to an address that was looked at.
 *
 * The connection goes to the very addresses that were looked at: a name that is resolved twice may answer differently
 * the second time.
 */
import { lookup, type LookupAddress } from "node:dns";
import { get as getHttp, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { HostError } from "./errors.ts";

export type Resolve = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface HopOptions {
  /** Whether this host may connect to an address. */
  readonly isAllowed: (address: string) => boolean;
  /** The system's own resolver unless said otherwise. */
  readonly resolve?: Resolve;
  readonly signal: AbortSignal;
}

/** Resolves with the answer's head, whatever its status. Errors: IMAGE_UNAVAILABLE for what is forbidden, else as Node has them. */
export function request(url: URL, options: HopOptions): Promise<IncomingMessage> {
  const get = url.protocol === "https:" ? getHttps : url.protocol === "http:" ? getHttp : null;
  if (!get) throw forbidden(url.host, `${url.protocol} is not allowed`);
  // A literal address is never looked up. URL has made all its spellings one.
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(literal) !== 0 && !options.isAllowed(literal)) throw notPublic(url.hostname);

  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { "User-Agent": "voidvm-agent", "Accept-Encoding": "identity" };
  // Not kept alive: the next hop may be another server under the same name.
  const call = get(url.href, { lookup: lookupOf(options), signal: options.signal, headers, agent: false }, resolve);
  call.once("error", reject);
  return promise;
}

function lookupOf({ isAllowed, resolve = resolveAll }: HopOptions): LookupFunction {
  return (hostname, options, callback) =>
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error) callback(error, "");
      else if (!first || addresses.some(({ address }) => !isAllowed(address))) callback(notPublic(hostname), "");
      else if (options.all) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
}

const resolveAll: Resolve = (hostname, callback) => lookup(hostname, { all: true }, callback);

/** The address itself stays unsaid: what names mean inside the host's network is not the user's to learn. */
function notPublic(host: string): HostError {
  return forbidden(host, "it is not at a public address, and this host's configuration allows no other");
}

function forbidden(host: string, reason: string): HostError {
  return new HostError("IMAGE_UNAVAILABLE", `The image can't be fetched from ${host}: ${reason}`);
}
