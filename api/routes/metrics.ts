/** `/metrics`: the figures for Prometheus, read anew at each scrape in one batch. */
import { Hono } from "hono";
import { readMetrics } from "../../db/metrics.ts";
import type { AppEnv } from "../env.ts";
import { newId } from "../ids.ts";
import { metricsText } from "../metrics.ts";

const windowMs = 24 * 3_600_000;

export const metrics = new Hono<AppEnv>().get("/", async (c) => {
  // An id begins with its time, so the ids of a day are one range of their index.
  const firstOperationId = newId("op", Date.now() - windowMs).slice(0, "op-".length + 10);
  const text = metricsText(await readMetrics(c.env.DB, firstOperationId), c.env.VOIDVM_VERSION ?? "unknown");
  return c.body(text, 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
});
