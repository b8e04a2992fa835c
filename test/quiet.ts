/** Waits until something has stopped growing: what was on its way when it ended may still come. */
import { setTimeout as sleep } from "node:timers/promises";

/** Errors: it grows in every span of `quietMs` for a minute. */
export async function untilQuiet(count: () => number, quietMs: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (let last = -1; last !== count();) {
    if (Date.now() > deadline) throw new Error(`It still grows: ${last} and now ${count()}`);
    last = count();
    await sleep(quietMs);
  }
}
