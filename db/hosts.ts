/** Hosts and their enrolment. */
import { and, asc, count, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { HostListQuery } from "../protocol/rest.ts";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { type HostRow, hosts, vms } from "./schema.ts";

export interface HostView {
  readonly host: HostRow;
  readonly allocated: { readonly vms: number; readonly cpu: number; readonly memory: number; readonly disk: number };
}

export async function listHosts(d1: D1Database, { page, limit, status, search, schedulable }: HostListQuery) {
  const db = drizzle(d1);
  const where = and(
    status && eq(hosts.status, status),
    schedulable === undefined ? undefined : eq(hosts.schedulable, schedulable === "true"),
    // A substring without the wildcards of LIKE.
    search === undefined ? undefined : sql`instr(lower(${hosts.name}), lower(${search})) > 0`,
  );
  const [views, [total]] = await db.batch([
    selectHosts(d1)
      .where(where)
      .orderBy(asc(hosts.name))
      .limit(limit)
      .offset((page - 1) * limit),
    db.select({ count: count() }).from(hosts).where(where),
  ]);
  return { views, total: total?.count ?? 0 };
}

export async function findHost(d1: D1Database, id: string): Promise<HostView | null> {
  const [view] = await selectHosts(d1).where(eq(hosts.id, id));
  return view ?? null;
}

/** The key that the host's tokens are verified with; null when there is no such host or it has not enrolled. */
export async function listHostIds(d1: D1Database): Promise<string[]> {
  const rows = await drizzle(d1).select({ id: hosts.id }).from(hosts).orderBy(hosts.id);
  return rows.map(({ id }) => id);
}

export async function findHostKey(d1: D1Database, id: string): Promise<string | null> {
  const [row] = await drizzle(d1).select({ key: hosts.publicKey }).from(hosts).where(eq(hosts.id, id));
  return row?.key ?? null;
}

export interface EnrolmentToken {
  readonly hash: string;
  /** ISO. */
  readonly expiresAt: string;
}

/** False when the name is taken. */
export async function insertHost(
  d1: D1Database,
  host: {
    readonly id: string;
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly createdAt: string;
  },
  token: EnrolmentToken,
  note: AuditNote,
): Promise<boolean> {
  const db = drizzle(d1);
  const insert = db
    .insert(hosts)
    .values({ ...host, status: "pending", enrolmentHash: token.hash, enrolmentExpiresAt: token.expiresAt })
    .onConflictDoNothing({ target: hosts.name })
    .returning({ id: hosts.id });
  const [rows] = await db.batch([insert, auditIfChanged(db, note)]);
  return rows.length > 0;
}

/** A new token, which makes the one before worthless. The host's key stays good until the token is spent. */
export async function renewEnrolment(
  d1: D1Database,
  id: string,
  token: EnrolmentToken,
  note: AuditNote,
): Promise<boolean> {
  const db = drizzle(d1);
  const renew = db
    .update(hosts)
    .set({ enrolmentHash: token.hash, enrolmentExpiresAt: token.expiresAt, enrolledAt: null })
    .where(eq(hosts.id, id))
    .returning({ id: hosts.id });
  const [rows] = await db.batch([renew, auditIfChanged(db, note)]);
  return rows.length > 0;
}

/**
 * Spends a token, in one statement, so that of two askers one gets it. The key that got it may ask again until
 * `repeatableSince` has passed, since the answer may have been lost.
 */
export async function spendEnrolment(
  d1: D1Database,
  hash: string,
  publicKey: string,
  now: string,
  repeatableSince: string,
  note: AuditNote,
): Promise<HostRow | null> {
  const fresh = sql`${hosts.enrolledAt} IS NULL AND ${hosts.enrolmentExpiresAt} > ${now}`;
  const again = sql`${hosts.publicKey} = ${publicKey} AND ${hosts.enrolledAt} > ${repeatableSince}`;
  const db = drizzle(d1);
  const spend = db
    .update(hosts)
    .set({ publicKey, enrolledAt: sql`COALESCE(${hosts.enrolledAt}, ${now})` })
    .where(and(eq(hosts.enrolmentHash, hash), sql`((${fresh}) OR (${again}))`))
    .returning();
  const [[row]] = await db.batch([spend, auditIfChanged(db, note)]);
  return row ?? null;
}

/** Why a token was not spent. */
export async function enrolmentState(d1: D1Database, hash: string): Promise<"unknown" | "spent" | "expired"> {
  const [row] = await drizzle(d1)
    .select({ enrolledAt: hosts.enrolledAt })
    .from(hosts)
    .where(eq(hosts.enrolmentHash, hash));
  if (!row) return "unknown";
  return row.enrolledAt === null ? "expired" : "spent";
}

function selectHosts(d1: D1Database) {
  const sumOf = (what: "cpu" | "memory" | "disk") => sql<number>`COALESCE(sum(${vms[what]}), 0)`;
  return drizzle(d1)
    .select({
      host: hosts,
      allocated: { vms: count(vms.id), cpu: sumOf("cpu"), memory: sumOf("memory"), disk: sumOf("disk") },
    })
    .from(hosts)
    .leftJoin(vms, eq(vms.hostId, hosts.id))
    .groupBy(hosts.id)
    .$dynamic();
}
