/** Who asks, and whether they may. What is mounted behind `authenticate` is closed to everybody else. */
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import { verifyAccessToken } from "./tokens.ts";

export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const [scheme, token, ...rest] = (c.req.header("Authorization") ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0) {
    throw new ApiError(
      "UNAUTHENTICATED",
      "Send 'Authorization: Bearer <token>' with a token from POST /api/v1/auth/login",
    );
  }
  c.set("caller", await verifyAccessToken(c.env.VOIDVM_JWT_KEYS, token));
  await next();
});

export const requireAdmin = createMiddleware<AppEnv>(async (c, next) => {
  if (c.var.caller.role !== "admin") throw new ApiError("FORBIDDEN", "Only an administrator may do this");
  await next();
});
