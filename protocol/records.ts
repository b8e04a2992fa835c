/** The audit trail (who changed what) and the system's log (what the system did), as the API answers them. */
import * as z from "zod";
import { Pagination } from "./rest.ts";

/** `host`: a host's own key. */
export const AuditCredential = z.enum(["session", "token", "host", "none"]);
export type AuditCredential = z.infer<typeof AuditCredential>;

/** `refused`: nothing was changed (4xx). `failed`: the server's fault (5xx). */
export const AuditResult = z.enum(["succeeded", "refused", "failed"]);
export type AuditResult = z.infer<typeof AuditResult>;

export const AuditEntry = z.object({
  id: z.string(),
  timestamp: z.iso.datetime(),
  user: z.object({ id: z.string(), username: z.string() }).nullable(),
  /** `id` is the session's or the personal access token's. */
  credential: z.object({ type: AuditCredential, id: z.string().nullable() }),
  address: z.string().nullable(),
  method: z.string(),
  route: z.string(),
  path: z.string(),
  requestId: z.string(),
  result: AuditResult,
  /** The error's code; null where it succeeded. */
  code: z.string().nullable(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const LogLevel = z.enum(["info", "warn", "error"]);
export type LogLevel = z.infer<typeof LogLevel>;

export const LogSource = z.enum(["auth", "host", "operation", "system", "vm"]);
export type LogSource = z.infer<typeof LogSource>;

export const LogEntry = z.object({
  id: z.string(),
  timestamp: z.iso.datetime(),
  level: LogLevel,
  message: z.string(),
  source: LogSource,
  userId: z.string().nullable(),
  vmId: z.string().nullable(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});
export type LogEntry = z.infer<typeof LogEntry>;

const limit = z.coerce.number().int().min(1).max(100).default(20);
const page = z.coerce.number().int().min(1).max(1_000_000).default(1);

/** With `after` the entries that follow it, oldest first; without, the newest first. */
export const AuditQuery = z.strictObject({
  page,
  limit,
  after: z
    .string()
    .regex(/^audit-\d{1,15}$/)
    .optional(),
  userId: z.string().max(64).optional(),
  result: AuditResult.optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

/** With `after` the entries that follow it, oldest first; without, the newest first. */
export const LogQuery = z.strictObject({
  page,
  limit,
  after: z
    .string()
    .regex(/^log-\d{1,15}$/)
    .optional(),
  level: LogLevel.optional(),
  source: LogSource.optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  userId: z.string().max(64).optional(),
  vmId: z.string().max(64).optional(),
});
export type LogQuery = z.infer<typeof LogQuery>;

export const AuditList = z.object({ entries: z.array(AuditEntry), pagination: Pagination });
export const LogList = z.object({ logs: z.array(LogEntry), pagination: Pagination });
