/** The HTTP API: what every request passes through, and where each resource is mounted. */
import { Hono } from "hono";
import { except } from "hono/combine";
import { secureHeaders } from "hono/secure-headers";
import type { RouterRoute } from "hono/types";
import { releasePath } from "../protocol/release.ts";
import { apiBase } from "./access.ts";
import { asset } from "./assets.ts";
import { auditChanges } from "./audit.ts";
import type { AppEnv } from "./env.ts";
import { ApiError, onError } from "./errors.ts";
import { correlate } from "./correlate.ts";
import { cors } from "./cors.ts";
import { guard } from "./guard.ts";
import { idempotency } from "./idempotency.ts";
import { rateLimitHeaders } from "./limits.ts";
import { agent } from "./routes/agent.ts";
import { auth } from "./routes/auth.ts";
import { config } from "./routes/config.ts";
import { docs } from "./routes/docs.ts";
import { events, vmEvents } from "./routes/events.ts";
import { health } from "./routes/health.ts";
import { hosts } from "./routes/hosts.ts";
import { images } from "./routes/images.ts";
import { install } from "./routes/install.ts";
import { metrics } from "./routes/metrics.ts";
import { openapi } from "./routes/openapi.ts";
import { operations } from "./routes/operations.ts";
import { permissions, roles } from "./routes/roles.ts";
import { audit, logs } from "./routes/records.ts";
import { streams, vmStreams } from "./routes/streams.ts";
import { system } from "./routes/system.ts";
import { users } from "./routes/users.ts";
import { vms } from "./routes/vms.ts";
import { ws } from "./routes/ws.ts";
import { limitBody, requireJson } from "./validate.ts";

/** Who may call what is in the route table: `guard` lets nothing in that isn't there. */
const api = new Hono<AppEnv>()
  .route("/health", health)
  .route("/agent", agent)
  .route("/auth", auth)
  .route("/users", users)
  .route("/roles", roles)
  .route("/permissions", permissions)
  .route("/vms", vms)
  .route("/vms", vmStreams)
  .route("/vms", vmEvents)
  .route("/streams", streams)
  .route("/operations", operations)
  .route("/events", events)
  .route("/images", images)
  .route("/hosts", hosts)
  .route("/system", system)
  .route("/config", config)
  .route("/audit", audit)
  .route("/logs", logs)
  .route("/metrics", metrics)
  .route(
    "/openapi.json",
    openapi((): readonly RouterRoute[] => app.routes),
  );

export const app: Hono<AppEnv> = new Hono<AppEnv>()
  .use(correlate)
  .use(rateLimitHeaders)
  // The answer to an upgrade is the object's and can't be changed.
  .use(except((c) => c.req.header("Upgrade") !== undefined, secureHeaders()))
  .use(cors)
  .use(auditChanges)
  .use(guard)
  .use(limitBody)
  .use(requireJson)
  .use(idempotency)
  .route("/health", health)
  .route("/docs", docs)
  .route("/install.sh", install)
  .get(`${releasePath}/*`, asset)
  .route("/ws", ws)
  .route(apiBase, api)
  .notFound((c) => onError(new ApiError("NOT_FOUND", `There is no ${c.req.method} ${c.req.path}`), c))
  .onError(onError);
