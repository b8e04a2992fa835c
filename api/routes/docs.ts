/** `/docs`: the API's documentation, a page of the project's own that loads nothing from anywhere else. */
import { Hono } from "hono";
import { asset } from "../assets.ts";
import type { AppEnv } from "../env.ts";

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
  const page = await asset(c);
  page.headers.set("Content-Security-Policy", contentSecurityPolicy);
  return page;
});
