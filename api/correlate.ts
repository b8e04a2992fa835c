/** Gives each request an id, tells it and the version in every answer, and writes one line of log. */
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";

export const correlate = createMiddleware<AppEnv>(async (c, next) => {
  const sent = c.req.header("X-Request-Id") ?? "";
  const requestId = /^[A-Za-z0-9._-]{1,128}$/.test(sent) ? sent : crypto.randomUUID();
  c.set("requestId", requestId);
  const startedAt = Date.now();
  await next();
  // An upgrade's answer can't be changed: its headers are the object's.
  if (c.res.status !== 101) {
    c.header("X-Request-Id", requestId);
    c.header("X-VoidVM-Version", c.env.VOIDVM_VERSION ?? "unknown");
  }
  // Without the query: it may hold a token.
  const { method, path } = c.req;
  const { status } = c.res;
  console.log(JSON.stringify({ level: "info", requestId, method, path, status, ms: Date.now() - startedAt }));
});
