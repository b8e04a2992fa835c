/** Names in place of ids, where the API itself takes ids only. What has no such name is asked for as it is, and is the API's 404. */
import type { VoidVMClient } from "../sdk/typescript/src/index.ts";
import { all } from "./context.ts";

const isId = (text: string, kind: string) => new RegExp(`^${kind}-[0-9a-z]{26}$`).test(text);

export async function hostId(client: VoidVMClient, name: string, signal: AbortSignal): Promise<string> {
  if (isId(name, "host")) return name;
  const hosts = await all(client.hosts.iterate({ search: name.slice(0, 100) }, { signal }));
  return hosts.find((host) => host.name === name)?.id ?? name;
}

export async function userId(client: VoidVMClient, name: string, signal: AbortSignal): Promise<string> {
  if (isId(name, "user")) return name;
  const users = await all(client.users.iterate({}, { signal }));
  return users.find((user) => user.username === name)?.id ?? name;
}

/** By the name of its system. */
export async function imageId(client: VoidVMClient, name: string, signal: AbortSignal): Promise<string> {
  if (name.startsWith("img-")) return name;
  const images = await client.images.list({ os: name.slice(0, 64) }, { signal });
  return images[0]?.id ?? name;
}

export async function tokenId(client: VoidVMClient, name: string, signal: AbortSignal): Promise<string> {
  if (isId(name, "tok")) return name;
  const tokens = await all(client.tokens.iterate({}, { signal }));
  return tokens.find((token) => token.name === name)?.id ?? name;
}
