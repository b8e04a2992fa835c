/** `/docs`: the API's documentation, a page of the project's own that loads nothing from anywhere else. */
import { Hono } from "hono";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";

/** Swagger UI styles its elements one by one, and draws its icons from data addresses. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const docs = new Hono<AppEnv>().get("/*", async (c) => {
  const asset = await c.env.ASSETS.fetch(c.req.raw);
  if (asset.status === 404) throw new ApiError("NOT_FOUND", `There is no ${c.req.path}`);
  const headers = new Headers(asset.headers);
  headers.set("Content-Security-Policy", contentSecurityPolicy);
  return new Response(asset.body, { status: asset.status, headers });
});
