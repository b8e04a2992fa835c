/**
 * How many hosts are taken in at a time. The others are told to come back in some seconds, each at another moment.
 *
 * A thousand hosts that dial at once would all be half-way in when their agents give up, and no nearer at their next
 * try. A few at a time are done long before that, and requests of people go on in between.
 */
import { ApiError } from "./errors.ts";

/** At a time, in each of the runtime's isolates. */
const places = 32;
/** Longer than an agent waits. What the runtime cancels never says that it is over. */
const forgottenMs = 20_000;
const longestWaitSeconds = 10;

const since = new Map<symbol, number>();

/** Errors: UNAVAILABLE, with when to come back. */
export async function takenIn<T>(dial: () => Promise<T>): Promise<T> {
  for (const [place, at] of since) if (at < Date.now() - forgottenMs) since.delete(place);
  if (since.size >= places) {
    const retryAfter = Math.ceil(Math.random() * longestWaitSeconds);
    throw new ApiError("UNAVAILABLE", "Many hosts dial at this moment: this one is taken in later", { retryAfter });
  }
  const place = Symbol("dial");
  since.set(place, Date.now());
  try {
    return await dial();
  } finally {
    since.delete(place);
  }
}
