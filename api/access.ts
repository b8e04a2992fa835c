/**
 * The route table: who may call what. The one place where access is decided, and the default is no.
 *
 * A route that is mounted and not listed answers 404 to everybody, and fails the tests.
 */
import type { Permission } from "../protocol/permissions.ts";

/**
 * `open`: anybody. `asset`: anybody, and it isn't counted, as Cloudflare wouldn't even ask. `agent`: the route itself
 * verifies a host's own key. `ticket`: it verifies a ticket that a user with the permission has made. `socket`: it finds
 * out who asks, perhaps only from the socket's first message. Otherwise a user with this permission.
 */
export type Access = "open" | "asset" | "agent" | "ticket" | "socket" | Permission;

export function isForUsers(needed: Access): needed is Permission {
  return !["open", "asset", "agent", "ticket", "socket"].includes(needed);
}

/** By method and path below `/api/v1`, as Hono spells it. */
export const access = {
  "GET /health": "open",
  "GET /openapi.json": "open",
  "GET /docs/*": "open",
  "GET /install.sh": "open",
  "GET /release/*": "asset",
  "GET /ws": "socket",
  "GET /metrics": "metrics:read",
  "POST /auth/login": "open",
  "POST /auth/refresh": "open",
  "POST /auth/logout": "account:update",
  "GET /auth/me": "account:read",
  "PUT /auth/password": "account:update",
  "POST /auth/ws-ticket": "account:read",
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
  "GET /agent/stream": "agent",
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
  "GET /vms/:id/console/vnc": "vm:console",
  "GET /vms/:id/console/serial": "vm:console",
  "GET /vms/:id/tunnel": "vm:tunnel",
  "GET /vms/:id/tunnel/ticket": "vm:tunnel",
  "GET /streams/:id": "ticket",
  "GET /operations": "operation:read",
  "GET /operations/:id": "operation:read",
  "POST /operations/:id/cancel": "operation:cancel",
  "GET /events": "event:read",
  "GET /vms/:id/events": "event:read",
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
  "POST /hosts/:id/release": "host:update",
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

/** Reading that is written down like a change: it opens a way into a machine. */
export const auditedReads: ReadonlySet<RouteKey> = new Set([
  ...(["GET /vms/:id/console/vnc", "GET /vms/:id/console/serial"] as const),
  ...(["GET /vms/:id/tunnel", "GET /vms/:id/tunnel/ticket"] as const),
]);

export const apiBase = "/api/v1";

/** Null where the table doesn't have it. */
export function routeKeyOf(method: string, path: string): RouteKey | null {
  const below = path.startsWith(`${apiBase}/`) ? path.slice(apiBase.length) : path;
  const key = `${method} ${below}`;
  return Object.hasOwn(access, key) ? (key as RouteKey) : null;
}
