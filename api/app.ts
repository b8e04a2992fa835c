/** The HTTP API: what every request passes through, and where each resource is mounted. */
import { Hono } from "hono";
import { except } from "hono/combine";
import { secureHeaders } from "hono/secure-headers";
import { authenticate, requireAdmin } from "./auth.ts";
import type { AppEnv } from "./env.ts";
import { ApiError, onError } from "./errors.ts";
import { correlate } from "./correlate.ts";
import { agent } from "./routes/agent.ts";
import { auth, login } from "./routes/auth.ts";
import { health } from "./routes/health.ts";
import { hosts } from "./routes/hosts.ts";
import { images } from "./routes/images.ts";
import { operations } from "./routes/operations.ts";
import { system } from "./routes/system.ts";
import { vms } from "./routes/vms.ts";
import { limitBody, requireJson } from "./validate.ts";

/** Whoever may come: no token is looked at. Agents bring their own kind. */
const open = new Hono<AppEnv>().route("/health", health).route("/auth/login", login).route("/agent", agent);

/** Everything else is closed first and opened by a token. */
const closed = new Hono<AppEnv>()
  .use(authenticate)
  .route("/auth", auth)
  .route("/vms", vms)
  .route("/operations", operations)
  .route("/images", images)
  .use("/hosts/*", requireAdmin)
  .route("/hosts", hosts)
  .route("/system", system);

export const app = new Hono<AppEnv>()
  .use(correlate)
  // The answer to an upgrade is the object's and can't be changed.
  .use(except((c) => c.req.header("Upgrade") !== undefined, secureHeaders()))
  .use(limitBody)
  .use(requireJson)
  .route("/health", health)
  .route("/api/v1", open)
  .route("/api/v1", closed)
  .notFound((c) => onError(new ApiError("NOT_FOUND", `There is no ${c.req.method} ${c.req.path}`), c))
  .onError(onError);
