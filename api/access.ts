/**
 * The route table: who may call what. The one place where access is decided, and the default is no.
 *
 * A route that is mounted and not listed answers 404 to everybody, and fails the tests.
 */
import type { Permission } from "../protocol/permissions.ts";

/** `open`: anybody. `agent`: the route itself verifies a host's own key. Otherwise a user with this permission. */
export type Access = "open" | "agent" | Permission;

/** By method and path below `/api/v1`, as Hono spells it. */
export const access = {
  "GET /health": "open",
  "GET /openapi.json": "open",
  "GET /docs/*": "open",
  "GET /install.sh": "open",
  "GET /metrics": "metrics:read",
  "POST /auth/login": "open",
  "POST /auth/refresh": "open",
  "POST /auth/logout": "account:update",
  "GET /auth/me": "account:read",
  "PUT /auth/password": "account:update",
  "GET /auth/tokens": "token:read",
  "POST /auth/tokens": "token:create",
  "DELETE /auth/tokens/:id": "token:delete",
  "GET /permissions": "role:read",
  "GET /roles": "role:read",
  "GET /users": "user:read",
  "POST /users": "user:create",
  "GET /users/:id": "user:read",
  "PUT /users/:id": "user:update",
  "PATCH /users/:id": "user:update",
  "DELETE /users/:id": "user:delete",
  "POST /agent/enrol": "agent",
  "GET /agent/link": "agent",
  "GET /vms": "vm:read",
  "POST /vms": "vm:create",
  "GET /vms/:id": "vm:read",
  "PATCH /vms/:id": "vm:update",
  "PUT /vms/:id/config": "vm:update",
  "DELETE /vms/:id": "vm:delete",
  "POST /vms/:id/start": "vm:start",
  "POST /vms/:id/stop": "vm:stop",
  "POST /vms/:id/restart": "vm:restart",
  "POST /vms/:id/pause": "vm:pause",
  "POST /vms/:id/resume": "vm:resume",
  "POST /vms/:id/reset": "vm:reset",
  "GET /operations": "operation:read",
  "GET /operations/:id": "operation:read",
  "POST /operations/:id/cancel": "operation:cancel",
  "GET /images": "image:read",
  "POST /images": "image:create",
  "GET /images/:id": "image:read",
  "DELETE /images/:id": "image:delete",
  "GET /hosts": "host:read",
  "POST /hosts": "host:create",
  "GET /hosts/:id": "host:read",
  "PATCH /hosts/:id": "host:update",
  "DELETE /hosts/:id": "host:delete",
  "POST /hosts/:id/drain": "host:update",
  "POST /hosts/:id/token": "host:update",
  "POST /hosts/:id/upgrade": "host:update",
  "GET /system/info": "system:read",
  "GET /system/stats": "system:read",
  "GET /config": "config:read",
  "PUT /config": "config:update",
  "GET /audit": "audit:read",
  "GET /logs": "log:read",
} as const satisfies Record<string, Access>;

export type RouteKey = keyof typeof access;

export const apiBase = "/api/v1";

/** Null where the table doesn't have it. */
export function routeKeyOf(method: string, path: string): RouteKey | null {
  const below = path.startsWith(`${apiBase}/`) ? path.slice(apiBase.length) : path;
  const key = `${method} ${below}`;
  return Object.hasOwn(access, key) ? (key as RouteKey) : null;
}
