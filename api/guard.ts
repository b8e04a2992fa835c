/**
 * The one place that lets requests in: it finds the route's entry in the table and asks for what stands there.
 *
 * It judges by the route that Hono itself has matched, so what is guarded is what runs.
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import { isAllowed } from "../protocol/permissions.ts";
import { type Access, access, isForUsers, type RouteKey, routeKeyOf } from "./access.ts";
import { beginAudit } from "./audit.ts";
import { authenticate } from "./auth.ts";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import { admitAddress } from "./limits.ts";

export const guard = createMiddleware<AppEnv>(async (c, next) => {
  const route = matchedKey(c);
  if (!route) {
    await admitAddress(c);
    throw new ApiError("NOT_FOUND", `There is no ${c.req.method} ${c.req.path}`.slice(0, 300));
  }
  c.set("route", route);
  const needed: Access = access[route];
  if (!isForUsers(needed)) {
    // The others have limits of their own.
    if (needed === "open" || needed === "ticket") await admitAddress(c);
    beginAudit(c, route, null);
  } else {
    const caller = await authenticate(c);
    c.set("caller", caller);
    if (c.env.CALLER) c.set("claim", { operationId: c.env.CALLER.operationId, again: false });
    beginAudit(c, route, caller);
    if (!isAllowed(caller, needed)) throw new ApiError("FORBIDDEN", `This needs the permission ${needed}`);
  }
  await next();
});

/** Of the handler that will run: the first that is no middleware. */
function matchedKey(c: Context<AppEnv>): RouteKey | null {
  const route = matchedRoutes(c).find(({ method }) => method !== "ALL");
  return route ? routeKeyOf(route.method, route.path) : null;
}
