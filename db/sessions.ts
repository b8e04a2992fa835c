/**
 * Sessions and their refresh tokens. A refresh token is good once: the next one takes its place in the statement
 * that uses it, so of two that race one gets it.
 */
import { and, eq, isNull, lt, ne, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type AuditNote, auditStatement } from "./audit.ts";
import { logStatement, type NewLog } from "./logs.ts";
import { refreshTokens, type SessionRow, sessions, type UserRow, users } from "./schema.ts";

export type NewSession = Pick<SessionRow, "id" | "userId" | "createdAt" | "expiresAt">;

/** `passwordHash` replaces the user's where it was made with older parameters. */
export async function insertSession(
  d1: D1Database,
  session: NewSession,
  refreshHash: string,
  { passwordHash, log, note }: { readonly passwordHash: string | null; readonly log: NewLog; readonly note: AuditNote },
): Promise<void> {
  const db = drizzle(d1);
  await db.batch([
    db.insert(sessions).values({ ...session, refreshedAt: session.createdAt }),
    db.insert(refreshTokens).values({ hash: refreshHash, sessionId: session.id }),
    db
      .update(users)
      .set({ lastLoginAt: session.createdAt, ...(passwordHash === null ? {} : { passwordHash }) })
      .where(eq(users.id, session.userId)),
    logStatement(db, log),
    auditStatement(db, note, sql`1`),
  ]);
}

export type Refreshed =
  | { readonly state: "refreshed"; readonly sessionId: string; readonly user: UserRow }
  /** It was used before, or used at this moment by somebody else. */
  | { readonly state: "replayed"; readonly sessionId: string; readonly userId: string }
  | { readonly state: "refused" };

export async function refreshSession(
  d1: D1Database,
  hash: string,
  next: { readonly hash: string; readonly now: string; readonly expiresAt: string },
): Promise<Refreshed> {
  const db = drizzle(d1);
  const isAlive = sql`EXISTS (SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = refresh_tokens.session_id AND s.ended_at IS NULL AND s.expires_at > ${next.now} AND u.disabled = 0)`;
  const session = sql`(SELECT r.session_id FROM refresh_tokens r WHERE r.hash = ${hash})`;
  const won = sql`(SELECT r.session_id FROM refresh_tokens r WHERE r.hash = ${hash} AND r.replaced_by = ${next.hash})`;
  const [, , , [token], [owner], [user]] = await db.batch([
    db
      .update(refreshTokens)
      .set({ replacedBy: next.hash, usedAt: next.now })
      .where(and(eq(refreshTokens.hash, hash), isNull(refreshTokens.replacedBy), isAlive)),
    db.insert(refreshTokens).select(
      db
        .select({
          hash: sql<string>`${next.hash}`.as("hash"),
          sessionId: refreshTokens.sessionId,
          replacedBy: sql<null>`NULL`.as("replaced_by"),
          usedAt: sql<null>`NULL`.as("used_at"),
        })
        .from(refreshTokens)
        .where(and(eq(refreshTokens.hash, hash), eq(refreshTokens.replacedBy, next.hash))),
    ),
    db
      .update(sessions)
      .set({ refreshedAt: next.now, expiresAt: next.expiresAt })
      .where(sql`${sessions.id} = ${won}`),
    db.select().from(refreshTokens).where(eq(refreshTokens.hash, hash)),
    db
      .select({ id: sessions.id, userId: sessions.userId })
      .from(sessions)
      .where(sql`${sessions.id} = ${session}`),
    db
      .select()
      .from(users)
      .where(sql`${users.id} = (SELECT s.user_id FROM sessions s WHERE s.id = ${session})`),
  ]);
  if (!token || !owner || !user || token.replacedBy === null) return { state: "refused" };
  if (token.replacedBy !== next.hash) return { state: "replayed", sessionId: owner.id, userId: owner.userId };
  return { state: "refreshed", sessionId: owner.id, user };
}

export async function endSession(
  d1: D1Database,
  sessionId: string,
  reason: "logout" | "replay",
  now: string,
  note: AuditNote,
): Promise<void> {
  const db = drizzle(d1);
  await db.batch([
    db
      .update(sessions)
      .set({ endedAt: now, endReason: reason })
      .where(and(eq(sessions.id, sessionId), isNull(sessions.endedAt))),
    // A replay is refused, and the middleware says so.
    auditStatement(db, note, reason === "logout" ? sql`1` : sql`0`),
  ]);
}

/** A new password, and the end of every session but the one that set it. */
export async function changePassword(
  d1: D1Database,
  userId: string,
  {
    from,
    to,
    keep,
    now,
  }: { readonly from: string; readonly to: string; readonly keep: string | null; readonly now: string },
  note: AuditNote,
): Promise<boolean> {
  const db = drizzle(d1);
  const changed = sql`EXISTS (SELECT 1 FROM users u WHERE u.id = ${userId} AND u.password_hash = ${to})`;
  const [rows] = await db.batch([
    db
      .update(users)
      .set({ passwordHash: to, updatedAt: now })
      .where(and(eq(users.id, userId), eq(users.passwordHash, from)))
      .returning({ id: users.id }),
    db
      .update(sessions)
      .set({ endedAt: now, endReason: "password" })
      .where(
        and(
          eq(sessions.userId, userId),
          isNull(sessions.endedAt),
          keep === null ? undefined : ne(sessions.id, keep),
          changed,
        ),
      ),
    auditStatement(db, note, changed),
  ]);
  return rows.length > 0;
}

/** Sessions that nobody can use any more, and used refresh tokens that are no sign of a theft any more. */
export async function deleteOldSessions(
  d1: D1Database,
  before: { readonly ended: string; readonly used: string },
): Promise<void> {
  const db = drizzle(d1);
  await db.batch([
    db.delete(sessions).where(or(lt(sessions.expiresAt, before.ended), lt(sessions.endedAt, before.ended))),
    db.delete(refreshTokens).where(lt(refreshTokens.usedAt, before.used)),
  ]);
}
