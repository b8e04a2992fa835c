/** `/health`: whether the edge and its database answer. Open to everybody. */
import { Hono } from "hono";
import { pingDatabase } from "../../db/system.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";

export const health = new Hono<AppEnv>().get("/", async (c) => {
  await pingDatabase(c.env.DB).catch(() => {
    throw new ApiError("UNAVAILABLE", "The database does not answer", { retryAfter: 5 });
  });
  return ok(c, { status: "ok", version: c.env.VOIDVM_VERSION ?? "unknown" });
});
