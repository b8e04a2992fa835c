/** When and after which time a call is tried again. */
import type { VoidVMError } from "./errors.ts";

const base = 500;
const most = 8_000;
/** Who is told to come again later than this (ms) is told so, in place of being kept waiting. */
export const longestRetryAfter = 65_000;

/**
 * Milliseconds before try `attempt` + 1. Full jitter, so that clients that failed together don't come back together; what
 * the server asked for is the least.
 */
export function retryDelay(attempt: number, retryAfter: number | null, random = Math.random()): number {
  const spread = Math.min(most, base * 2 ** attempt);
  return Math.round((retryAfter ?? 0) + random * (retryAfter === null ? spread : base));
}

/**
 * `repeatable`: the call may reach the server twice without doing anything twice. What the server refused to begin (a limit,
 * an overload) is tried again in any case.
 */
export function mayRetry({ code, status, retryAfter }: VoidVMError, repeatable: boolean): boolean {
  if ((retryAfter ?? 0) > longestRetryAfter) return false;
  if (status === 429 || code === "IDEMPOTENCY_IN_PROGRESS") return true;
  if (status === 503 && retryAfter !== null) return true;
  return (
    repeatable && (code === "NETWORK_ERROR" || code === "TIMEOUT" || status === 502 || status === 503 || status === 504)
  );
}
