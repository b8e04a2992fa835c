/** `/audit` and `/logs`: who changed what, and what the system did. `after=<id>` misses nothing while they grow. */
import { Hono } from "hono";
import { listAudit } from "../../db/audit.ts";
import { listLogs } from "../../db/logs.ts";
import { AuditQuery, LogQuery } from "../../protocol/records.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { query } from "../validate.ts";
import { toAuditEntry, toLogEntry, toPagination } from "../views.ts";

export const audit = new Hono<AppEnv>().get("/", query(AuditQuery), async (c) => {
  const filter = c.req.valid("query");
  const { rows, total } = await listAudit(c.env.DB, filter);
  return ok(c, { entries: rows.map(toAuditEntry), pagination: toPagination(filter.page, filter.limit, total) });
});

export const logs = new Hono<AppEnv>().get("/", query(LogQuery), async (c) => {
  const filter = c.req.valid("query");
  const { rows, total } = await listLogs(c.env.DB, filter);
  return ok(c, { logs: rows.map(toLogEntry), pagination: toPagination(filter.page, filter.limit, total) });
});
