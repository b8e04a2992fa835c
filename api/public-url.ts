/**
 * Whether hosts may be told to fetch from an address. What can be seen in the address itself is refused here, before
 * anything is stored; the host looks again at what the name resolves to.
 */
import { ApiError } from "./errors.ts";

const notPublic: readonly (readonly [network: string, prefix: number])[] = [
  ...([
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
  ] as const),
  ...([
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["192.168.0.0", 16],
  ] as const),
  ...([
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 3],
  ] as const),
];
const localNames = /^(localhost|.*\.(localhost|local|internal|lan|home\.arpa))$/;

/** The address in its normal form. Errors: URL_FORBIDDEN. */
export function publicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url) throw refused("it is not an address");
  if (url.protocol !== "https:" && url.protocol !== "http:") throw refused("only http and https are fetched");
  if (url.username !== "" || url.password !== "") throw refused("it must not hold a password");
  // A URL's parser has made 127.1, 0x7f000001 and 2130706433 the same by now.
  const host = url.hostname.toLowerCase().replace(/\.$/, "");
  if (host.startsWith("[")) {
    if (!isPublicV6(host.slice(1, -1))) throw refused("it is not a public address");
  } else if (/^\d+(\.\d+){3}$/.test(host)) {
    if (!isPublicV4(host)) throw refused("it is not a public address");
  } else if (!host.includes(".") || localNames.test(host)) {
    throw refused("it is a name of a local network");
  }
  return url.href;
}

function refused(why: string): ApiError {
  return new ApiError("URL_FORBIDDEN", `url: ${why}`, { fields: [{ path: "url", message: why }] });
}

function isPublicV4(address: string): boolean {
  const number = numberOf(address);
  return !notPublic.some(([network, prefix]) => number >>> (32 - prefix) === numberOf(network) >>> (32 - prefix));
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** 2000::/3 alone is public, and in it are tunnels that carry an IPv4 address, and documentation. */
function isPublicV6(address: string): boolean {
  const [first = "0", second = "0"] = address.split(":");
  const [high, low] = [Number.parseInt(first || "0", 16), Number.parseInt(second || "0", 16)];
  if (high >>> 13 !== 1) return false;
  const isSpecial = high === 0x2001 && (low < 0x200 || low === 0xdb8);
  return !isSpecial && high !== 0x2002 && !(high === 0x3fff && low < 0x1000);
}
