/**
 * Which addresses a download may go to. An image's address comes from a user, and the host stands in a network
 * that the user has no business in.
 */
import { lookup as resolveName } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { HostError } from "./errors.ts";

const forbidden = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  forbidden.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 128],
  ["::1", 128],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  forbidden.addSubnet(network, prefix, "ipv6");
}

export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !forbidden.check(address, family === 4 ? "ipv4" : "ipv6");
}

/**
 * Resolves `hostname` once and refuses it if any of its addresses is not public. The connection must use the
 * answer: a name that is asked twice may answer differently the second time.
 *
 * Errors: IMAGE_UNAVAILABLE.
 */
export async function publicLookup(hostname: string, allowPrivate: boolean): Promise<LookupFunction> {
  const bare = hostname.replace(/^\[|\]$/g, "");
  const addresses = await resolveName(bare, { all: true }).catch((error: NodeJS.ErrnoException) => {
    throw new HostError("IMAGE_UNAVAILABLE", `This host can't resolve ${bare} (${error.code}): is it on the internet?`);
  });
  const inside = addresses.find(({ address }) => !isPublicAddress(address));
  if (inside && !allowPrivate) {
    throw new HostError("IMAGE_UNAVAILABLE", `${bare} is ${inside.address}, which is not a public address`);
  }
  return (_hostname, options, callback) => {
    if (options.all) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  };
}
