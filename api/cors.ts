/**
 * Which other origins' pages may call the API, with credentials: those of a list, and no other. `OPTIONS` answers
 * what a path takes, to anybody.
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { access, apiBase } from "./access.ts";
import type { AppEnv, Env } from "./env.ts";
import { admitAddress } from "./limits.ts";

const sendable = "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, Prefer, X-Request-Id";
const readable = [
  ...["ETag", "Idempotent-Replayed", "Location", "Preference-Applied", "RateLimit-Limit", "RateLimit-Remaining"],
  ...["RateLimit-Reset", "Retry-After", "X-Request-Id", "X-VoidVM-Version"],
].join(", ");
const preflightSeconds = "600";

export const cors = createMiddleware<AppEnv>(async (c, next) => {
  const methods = c.req.method === "OPTIONS" ? methodsOf(c.req.path) : [];
  if (methods.length > 0) {
    await admitAddress(c);
    c.res = new Response(null, { status: 204, headers: { Allow: methods.join(", ") } });
  } else {
    await next();
  }
  if (c.res.status !== 101) allowOrigin(c, methods);
});

export function allowedOrigins(env: Env): string[] {
  return (env.VOIDVM_CORS_ORIGINS ?? "").split(",").map((origin) => origin.trim());
}

function allowOrigin(c: Context<AppEnv>, methods: readonly string[]): void {
  const origins = allowedOrigins(c.env);
  const origin = c.req.header("Origin");
  // A cache must not give one origin's answer to another.
  c.header("Vary", "Origin", { append: true });
  if (origin === undefined || origin === "" || !origins.includes(origin)) return;
  c.header("Access-Control-Allow-Origin", origin);
  c.header("Access-Control-Allow-Credentials", "true");
  if (methods.length === 0) return c.header("Access-Control-Expose-Headers", readable);
  c.header("Access-Control-Allow-Methods", methods.join(", "));
  c.header("Access-Control-Allow-Headers", sendable);
  c.header("Access-Control-Max-Age", preflightSeconds);
}

/** What the route table has for a path, whatever stands in its parameters. */
function methodsOf(path: string): string[] {
  const below = path.startsWith(`${apiBase}/`) ? path.slice(apiBase.length) : path;
  const methods = Object.keys(access).flatMap((key) => {
    const [method = "", route = ""] = key.split(" ");
    const pattern = route.split("/").map((part) => (part.startsWith(":") ? "[^/]+" : part === "*" ? ".*" : part));
    return new RegExp(`^${pattern.join("/").replaceAll(".json", "\\.json")}$`).test(below) ? [method] : [];
  });
  if (methods.length === 0) return [];
  return [...new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"])];
}
