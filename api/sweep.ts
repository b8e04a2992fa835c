/** Once a minute: measures how the whole stands, and wakes hosts' objects for operations that nobody told them of, because a call was lost. */
import { hostsWithForgottenOperations } from "../db/operations.ts";
import { takeSample } from "../db/samples.ts";
import type { Env } from "./env.ts";

const forgottenAfterMs = 10_000;

export async function sweep(env: Env, now: number = Date.now()): Promise<void> {
  const before = new Date(now - forgottenAfterMs).toISOString();
  const hostIds = await hostsWithForgottenOperations(env.DB, before);
  // What only measures must not keep what waits from going on.
  await takeSample(env.DB, now).catch(({ message }: Error) => {
    console.error(JSON.stringify({ level: "error", source: "sweep", message: `sample: ${message}` }));
  });
  await Promise.allSettled(hostIds.map((hostId) => env.HOST_LINK.getByName(hostId).wake(hostId)));
}
