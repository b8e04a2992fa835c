/**
 * Users. There is always an administrator who may do everything: each statement that could take the last one away
 * carries that condition itself, so two that race can't take the last two.
 */
import { and, asc, count, eq, isNull, ne, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Role } from "../protocol/permissions.ts";
import { type AuditNote, auditStatement } from "./audit.ts";
import { sessions, type UserRow, users } from "./schema.ts";

export async function findUserByName(d1: D1Database, username: string): Promise<UserRow | null> {
  const [user] = await drizzle(d1).select().from(users).where(eq(users.username, username));
  return user ?? null;
}

export async function findUser(d1: D1Database, id: string): Promise<UserRow | null> {
  const [user] = await drizzle(d1).select().from(users).where(eq(users.id, id));
  return user ?? null;
}

export interface UserFilter {
  readonly role?: Role | undefined;
  readonly status?: "active" | "disabled" | undefined;
  readonly page: number;
  readonly limit: number;
}

export async function listUsers(d1: D1Database, { role, status, page, limit }: UserFilter) {
  const db = drizzle(d1);
  const where = and(
    role && eq(users.role, role),
    status === undefined ? undefined : eq(users.disabled, status === "disabled"),
  );
  const [rows, [total]] = await db.batch([
    db
      .select()
      .from(users)
      .where(where)
      .orderBy(asc(users.id))
      .limit(limit)
      .offset((page - 1) * limit),
    db.select({ count: count() }).from(users).where(where),
  ]);
  return { rows, total: total?.count ?? 0 };
}

/** Null where the name is taken. */
export async function insertUser(
  d1: D1Database,
  user: typeof users.$inferInsert,
  note: AuditNote,
): Promise<UserRow | null> {
  const db = drizzle(d1);
  const [[row]] = await db.batch([
    db.insert(users).values(user).onConflictDoNothing({ target: users.username }).returning(),
    auditStatement(db, note, sql`EXISTS (SELECT 1 FROM users WHERE id = ${user.id})`),
  ]);
  return row ?? null;
}

export type UserRefusal = "name-taken" | "last-admin" | "has-vms" | "gone";
export type UserChange = Partial<Omit<UserRow, "id" | "createdAt" | "updatedAt">>;

/** `endSessions`: with what the user logs in is another from now on, or they may not any more. */
export async function updateUser(
  d1: D1Database,
  id: string,
  change: UserChange,
  { now, endSessions }: { readonly now: string; readonly endSessions: boolean },
  note: AuditNote,
): Promise<UserRow | UserRefusal> {
  const db = drizzle(d1);
  const { role, disabled, permissions, username } = change;
  const narrows = role === "user" || disabled === true || permissions?.some((entry) => entry.startsWith("-"));
  const [[row], , , [other], [present]] = await db.batch([
    db
      .update(users)
      .set({ ...change, updatedAt: now })
      .where(
        and(
          eq(users.id, id),
          narrows ? othersAdminister : undefined,
          username === undefined
            ? undefined
            : sql`NOT EXISTS (SELECT 1 FROM users o WHERE o.username = ${username} AND o.id <> ${id})`,
        ),
      )
      .returning(),
    // `updated_at` tells whether the statement before has hit; two changes in one millisecond both mean it.
    db
      .update(sessions)
      .set({ endedAt: now, endReason: "admin" })
      .where(and(eq(sessions.userId, id), isNull(sessions.endedAt), endSessions ? changedAt(id, now) : sql`0`)),
    auditStatement(db, note, changedAt(id, now)),
    db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.username, username ?? ""), ne(users.id, id))),
    db.select({ id: users.id }).from(users).where(eq(users.id, id)),
  ]);
  if (row) return row;
  if (!present) return "gone";
  return other ? "name-taken" : "last-admin";
}

/** Null where the user is gone now, with their sessions and tokens. */
export async function deleteUser(d1: D1Database, id: string, note: AuditNote): Promise<UserRefusal | null> {
  const db = drizzle(d1);
  const hasVms = sql<number>`EXISTS (SELECT 1 FROM vms v WHERE v.owner_id = ${id})`;
  const [[present], gone] = await db.batch([
    db.select({ hasVms }).from(users).where(eq(users.id, id)),
    db
      .delete(users)
      .where(and(eq(users.id, id), sql`NOT ${hasVms}`, othersAdminister))
      .returning({ id: users.id }),
    auditStatement(db, note, sql`NOT EXISTS (SELECT 1 FROM users WHERE id = ${id})`),
  ]);
  if (gone.length > 0) return null;
  if (!present) return "gone";
  return present.hasVms === 1 ? "has-vms" : "last-admin";
}

/** The row is no administrator whom the system could not do without. */
const othersAdminister = sql`(users.role <> 'admin' OR users.disabled = 1 OR EXISTS (SELECT 1 FROM users o
  WHERE o.id <> users.id AND o.role = 'admin' AND o.disabled = 0
  AND NOT EXISTS (SELECT 1 FROM json_each(o.permissions) p WHERE p.value LIKE '-%')))`;

function changedAt(id: string, now: string) {
  return sql`EXISTS (SELECT 1 FROM users u WHERE u.id = ${id} AND u.updated_at = ${now})`;
}
