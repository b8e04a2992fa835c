/**
 * The limit on requests: asked of the caller's own object, never of D1, and told in every answer.
 *
 * A user is limited as a user wherever they come from; who has not shown who they are, by address.
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { currentConfig, refreshConfig } from "./config.ts";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import type { Ask, UserGate } from "./objects/user-gate.ts";
import type { Standing } from "./objects/rate-window.ts";

/** Tells in every answer where the caller stands. An upgrade's answer can't be changed. */
export const rateLimitHeaders = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const standing = c.var.standing;
  if (!standing || c.res.status === 101) return;
  c.header("RateLimit-Limit", `${standing.limit}`);
  c.header("RateLimit-Remaining", `${standing.remaining}`);
  c.header("RateLimit-Reset", `${standing.resetSeconds}`);
});

/** Errors: RATE_LIMITED. */
export async function admitAddress(c: Context<AppEnv>): Promise<void> {
  assertAdmitted(c, await askGate(c, addressGate(c), await askFor(c)));
}

/** What one request of a user's asks of their object. */
export async function askFor(c: Context<AppEnv>): Promise<Ask> {
  const { limits } = await currentConfig(c);
  return { cost: 1, limit: limits.requestsPerMinute };
}

/** The name of a user's own object. */
export function userGate(userId: string): string {
  return `user:${userId}`;
}

/** Before a password is looked at: by address, and by the name that is tried. Errors: RATE_LIMITED. */
export async function admitLogin(c: Context<AppEnv>, username: string): Promise<void> {
  const { loginsPerMinute } = (await currentConfig(c)).limits;
  await admitByAddress(c, "login", 2 * loginsPerMinute);
  // Names differ in case for people, not for who guesses.
  const name = `login-name:${username.toLowerCase()}`;
  assertAdmitted(c, await askGate(c, name, { cost: 1, limit: loginsPerMinute }));
}

/** A limit of its own on what one address may do of `what`. Errors: RATE_LIMITED. */
export async function admitByAddress(c: Context<AppEnv>, what: string, limit: number): Promise<void> {
  assertAdmitted(c, await askGate(c, `${what}:${addressGate(c)}`, { cost: 1, limit }));
}

/** Remembers for the answer where the caller stands, and refuses whom the object refused. Errors: RATE_LIMITED. */
export function assertAdmitted(c: Context<AppEnv>, standing: Standing): void {
  // Where several limits hold, the tightest is told.
  const told = c.var.standing;
  if (!told || !standing.allowed || standing.remaining < told.remaining) c.set("standing", standing);
  if (!standing.allowed) {
    const { limit, resetSeconds } = standing;
    throw new ApiError("RATE_LIMITED", `${limit} a minute are allowed; wait ${resetSeconds} s`, {
      retryAfter: resetSeconds,
    });
  }
  refreshConfig(c);
}

async function askGate(c: Context<AppEnv>, name: string, ask: Ask): Promise<Standing> {
  return callGate(c, name, (gate) => gate.admit(ask));
}

/** An object that is restarted under a call, by a deploy for one, is asked again. Errors: UNAVAILABLE. */
export async function callGate<T>(
  c: Context<AppEnv>,
  name: string,
  call: (gate: DurableObjectStub<UserGate>) => Promise<T>,
): Promise<T> {
  // A stub that has failed goes on failing, so each try has its own.
  const attempt = () => call(c.env.USER_GATE.getByName(name));
  try {
    return await attempt().catch((error: { retryable?: boolean }) => {
      if (error.retryable) return attempt();
      throw error;
    });
  } catch (error) {
    const { message } = error as Error;
    console.error(JSON.stringify({ level: "error", requestId: c.var.requestId, message: `gate: ${message}` }));
    throw new ApiError("UNAVAILABLE", "The object that lets requests in does not answer", { retryAfter: 1 });
  }
}

/** An IPv6 customer has a whole /64, so that is what counts as an address. */
function addressGate(c: Context<AppEnv>): string {
  const address = clientAddress(c);
  const [v6 = ""] = address.split("%");
  return `address:${v6.includes(":") ? networkOf(v6) : v6}`;
}

/**
 * As whoever stands before the API says in a header that clients can't set there. Without such a one every header is
 * the client's own word, so all strangers count as one.
 */
export function clientAddress(c: Context<AppEnv>): string {
  const header = c.env.VOIDVM_ADDRESS_HEADER;
  // Proxies in a row each add what they saw: only the last word is our own proxy's.
  const told = header ? c.req.header(header)?.split(",").at(-1)?.trim() : undefined;
  return told ? told.slice(0, 64) : "unknown";
}

function networkOf(address: string): string {
  const [head = "", tail] = address.toLowerCase().split("::");
  const start = head === "" ? [] : head.split(":");
  const end = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - start.length - end.length);
  const groups = [...start, ...Array.from({ length: zeros }, () => "0"), ...end];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
