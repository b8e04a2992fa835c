/**
 * The audit trail. An entry goes into the batch of its change, under the condition that the change was made; the
 * middleware adds what no batch has written. `key` keeps the two from being two.
 */
import { and, asc, count, desc, eq, gt, type SQL, sql } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { AuditCredential, AuditQuery, AuditResult } from "../protocol/records.ts";
import { watchersWithNews } from "./events.ts";
import { given } from "./given.ts";
import { audit, type AuditRow } from "./schema.ts";

/** Who asks for a change, and with what; never what is in it. */
export interface AuditNote {
  /** One for each request. */
  readonly key: string;
  readonly timestamp: string;
  readonly userId: string | null;
  readonly username: string | null;
  readonly credential: AuditCredential;
  readonly credentialId: string | null;
  readonly address: string | null;
  readonly method: string;
  readonly route: string;
  readonly path: string;
  readonly requestId: string;
}

/** For the batch of the change: says that it succeeded, where `condition` holds at its place in the batch. */
export function auditStatement(db: DrizzleD1Database, note: AuditNote, condition: SQL) {
  return insertion(db, note, { result: "succeeded", code: null }, condition);
}

/** What a host did that it may not, with its own key; one entry for each `key`. */
export function hostAudit(
  db: DrizzleD1Database,
  hostId: string,
  { key, at, what, code }: { readonly key: string; readonly at: string; readonly what: string; readonly code: string },
) {
  const note = {
    ...{ key: `${hostId}:${key}`, timestamp: at, userId: null, username: null, address: null },
    ...{ credential: "host" as const, credentialId: hostId },
    ...{ method: "GET", route: "/agent/link", path: `/agent/link ${what}`.slice(0, 500), requestId: key },
  };
  return insertion(db, note, { result: "refused", code }, sql`1`);
}

/** Right behind the statement of the change: says that it succeeded, where that statement changed something. */
export function auditIfChanged(db: DrizzleD1Database, note: AuditNote) {
  return auditStatement(db, note, sql`changes() > 0`);
}

/** Says how the request went, unless its change's batch has. Returns the hubs that have something new to read. */
export async function writeAudit(
  d1: D1Database,
  note: AuditNote,
  outcome: { readonly result: AuditResult; readonly code: string | null },
): Promise<string[]> {
  const db = drizzle(d1);
  const [, hubs] = await db.batch([insertion(db, note, outcome, sql`1`), watchersWithNews(db)]);
  return hubs.map(({ hub }) => hub);
}

export async function listAudit(d1: D1Database, { page, limit, after, userId, result }: AuditQuery) {
  const db = drizzle(d1);
  const where = and(
    after === undefined ? undefined : gt(audit.seq, Number(after.slice("audit-".length))),
    userId === undefined ? undefined : eq(audit.userId, userId),
    result && eq(audit.result, result),
  );
  const [rows, [total]] = await db.batch([
    db
      .select()
      .from(audit)
      .where(where)
      .orderBy(after === undefined ? desc(audit.seq) : asc(audit.seq))
      .limit(limit)
      .offset((page - 1) * limit),
    db.select({ count: count() }).from(audit).where(where),
  ]);
  return { rows, total: total?.count ?? 0 };
}

function insertion(
  db: DrizzleD1Database,
  note: AuditNote,
  { result, code }: Pick<AuditRow, "result" | "code">,
  condition: SQL,
) {
  const text = (value: string | null, column: string) => given<string | null>(value, column);
  const row = db
    .select({
      seq: given<number>(null, "seq"),
      key: given<string>(note.key, "key"),
      timestamp: given<string>(note.timestamp, "timestamp"),
      userId: text(note.userId, "user_id"),
      username: text(note.username, "username"),
      credential: given<AuditCredential>(note.credential, "credential"),
      credentialId: text(note.credentialId, "credential_id"),
      address: text(note.address, "address"),
      method: given<string>(note.method, "method"),
      route: given<string>(note.route, "route"),
      path: given<string>(note.path, "path"),
      requestId: given<string>(note.requestId, "request_id"),
      result: given<AuditResult>(result, "result"),
      code: text(code, "code"),
    })
    .from(sql`(SELECT 1)`)
    .where(and(condition, sql`NOT EXISTS (SELECT 1 FROM audit a WHERE a.key = ${note.key})`));
  return db.insert(audit).select(row);
}
