/** The objects that hold users' sockets: what they are called, and how they hear of what concerns them. */
import type { OperationRow } from "../db/schema.ts";
import type { Env } from "./env.ts";
import { newSecret } from "./ids.ts";

const tries = 3;
const retryMs = 500;

/** The one that counts all of a user's sockets, and holds those whose user was known when they were opened. */
export function userHub(userId: string): string {
  return `user:${userId}`;
}

/** One of its own for a socket that says whose it is only later. */
export function newSocketHub(): string {
  return `socket:${newSecret()}`;
}

/** Whether an object of this name is one of these. */
export function isHub(name: string): boolean {
  return name.startsWith("user:") || name.startsWith("socket:");
}

/** There are new events. Whoever misses this looks by themselves before long. */
export async function tellHubs(env: Env, hubs: readonly string[]): Promise<void> {
  await Promise.allSettled(hubs.map((hub) => env.USER_HUB.getByName(hub).look(hub)));
}

export async function tellHubsOfProgress(env: Env, hubs: readonly string[], operation: OperationRow): Promise<void> {
  await Promise.allSettled(hubs.map((hub) => env.USER_HUB.getByName(hub).progress(operation)));
}

/** Something of what the user may do has changed. */
export async function tellHubOfRights(env: Env, userId: string): Promise<void> {
  for (let left = tries; left > 0; left--) {
    try {
      return await env.USER_HUB.getByName(userHub(userId)).recheck();
    } catch (error) {
      console.error(JSON.stringify({ level: "error", source: "hub", message: `recheck: ${(error as Error).message}` }));
      await scheduler.wait(retryMs);
    }
  }
}
