/**
 * Static assets. Cloudflare gives most of them by itself, free of charge, and asks the Worker for what `run_worker_first`
 * names and for what isn't there; the local edge has no such router, so there the Worker gives them all.
 */
import type { Context } from "hono";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";

/** The one that the request is for. Errors: NOT_FOUND. */
export async function asset(c: Context<AppEnv>): Promise<Response> {
  const found = await c.env.ASSETS.fetch(c.req.raw);
  if (found.status === 404) throw new ApiError("NOT_FOUND", `There is no ${c.req.path}`);
  // The headers of an answer from elsewhere can't be changed.
  return new Response(found.body, found);
}
