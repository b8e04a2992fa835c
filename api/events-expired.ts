import { ApiError } from "./errors.ts";

/** `forgotten`: nothing is kept up to it. */
export function expiredEvents(after: number, forgotten: number): ApiError {
  const oldest = `the oldest that is kept is ${forgotten + 1}`;
  return new ApiError("EVENTS_EXPIRED", `There is no going on after ${after}: ${oldest}. Read the state anew`);
}
