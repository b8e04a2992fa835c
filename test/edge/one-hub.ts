/**
 * For tests of what sockets are told: an administrator and a user, whose machines stay under way. To import this is to
 * have them.
 */
import { env, evictDurableObject } from "cloudflare:test";
import { beforeAll } from "vitest";
import type { Env } from "../../api/env.ts";
import { userHub } from "../../api/hubs.ts";
import { addHost, Client, machine } from "./client.ts";

const bindings = env as unknown as Env;
export let admin: Client;
export let user: Client;

beforeAll(async () => {
  admin = await Client.as("admin", "none");
  user = await Client.as("user", "none");
  // Emptier than those whose agents answer, and no worse provided: what is created without a wish stays under way.
  const hostId = await addHost({ capacityCpu: 1e6, capacityMemory: 1e9, capacityDisk: 1e6 });
  await env.DB.prepare("INSERT INTO host_images (image_id, host_id) VALUES ('img-tiny', ?)").bind(hostId).run();
});

export const hub = (owner: Client) => bindings.USER_HUB.getByName(userHub(owner.id));

/** The hub reads what is new, as after a hint. */
export const look = (owner: Client) => hub(owner).look(userHub(owner.id));

/** The object's memory goes, as it does when it hibernates. */
export async function evict(owner: Client): Promise<void> {
  await hub(owner).isOpen();
  await evictDurableObject(hub(owner));
}

export async function machineOf(owner: Client, name: string): Promise<string> {
  const { status, body } = await owner.post("/vms", machine(name));
  if (status !== 201) throw new Error(`${name} was not made: ${status} ${JSON.stringify(body.error)}`);
  return body.data.id;
}

/** Changes what D1 shows, as a host's projection does, and tells nobody. */
export async function show(id: string, status: string): Promise<void> {
  await env.DB.prepare("UPDATE vms SET status = ? WHERE id = ?").bind(status, id).run();
}
