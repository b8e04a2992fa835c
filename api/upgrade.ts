/**
 * What may become a WebSocket: a request that asks for it, of a program, which sends no `Origin`, or of a page of this
 * server or of the allow list.
 */
import type { Context } from "hono";
import { allowedOrigins } from "./cors.ts";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import { ownOrigins } from "./public-origin.ts";

/** Errors: UPGRADE_REQUIRED, FORBIDDEN. */
export function assertUpgrade(c: Context<AppEnv>): void {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
    throw new ApiError("UPGRADE_REQUIRED", "This address takes WebSocket connections only");
  }
  const origin = c.req.header("Origin");
  if (origin === undefined || [...ownOrigins(c), ...allowedOrigins(c.env)].includes(origin)) return;
  throw new ApiError("FORBIDDEN", "Pages of this origin may not connect: see VOIDVM_CORS_ORIGINS");
}
