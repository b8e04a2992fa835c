/**
 * Under which origin the edge is known. Behind a proxy that ends TLS a request's own is the one inside; VOIDVM_PUBLIC_URL
 * says the one outside, which agents sign for and which links are made of.
 */
import type { Context } from "hono";
import type { AppEnv, Env } from "./env.ts";

/** `http://…` or `https://…`, without a path. */
export function publicOrigin(c: Context<AppEnv>): string {
  return configured(c.env) ?? new URL(c.req.url).origin;
}

/** All that an agent may have dialled: the public origin, and the one by which this request came, as within the host. */
export function ownOrigins(c: Context<AppEnv>): string[] {
  return [...new Set([publicOrigin(c), new URL(c.req.url).origin])];
}

function configured({ VOIDVM_PUBLIC_URL: url }: Env): string | null {
  return url && URL.canParse(url) ? new URL(url).origin : null;
}
