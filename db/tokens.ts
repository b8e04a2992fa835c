/** Personal access tokens. Only their hashes are here. */
import { and, count, desc, eq, lt, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type AuditNote, auditStatement } from "./audit.ts";
import { given } from "./given.ts";
import { type TokenRow, tokens, users } from "./schema.ts";
import type { Grant } from "../protocol/permissions.ts";

export const tokensPerUser = 50;

export async function listTokens(d1: D1Database, userId: string, page: number, limit: number) {
  const db = drizzle(d1);
  const [rows, [total]] = await db.batch([
    db
      .select()
      .from(tokens)
      .where(eq(tokens.userId, userId))
      .orderBy(desc(tokens.id))
      .limit(limit)
      .offset((page - 1) * limit),
    db.select({ count: count() }).from(tokens).where(eq(tokens.userId, userId)),
  ]);
  return { rows, total: total?.count ?? 0 };
}

export type NewToken = Omit<TokenRow, "lastUsedAt">;

/** Why nothing was inserted, or null. */
export async function insertToken(
  d1: D1Database,
  token: NewToken,
  note: AuditNote,
): Promise<"name-taken" | "too-many" | null> {
  const db = drizzle(d1);
  const mine = eq(tokens.userId, token.userId);
  const row = db
    .select({
      id: given<string>(token.id, "id"),
      userId: users.id,
      name: given<string>(token.name, "name"),
      hash: given<string>(token.hash, "hash"),
      scopes: given<Grant[]>(JSON.stringify(token.scopes), "scopes"),
      expiresAt: given<string | null>(token.expiresAt, "expires_at"),
      lastUsedAt: given<null>(null, "last_used_at"),
      createdAt: given<string>(token.createdAt, "created_at"),
    })
    .from(users)
    .where(
      and(
        eq(users.id, token.userId),
        sql`(SELECT count(*) FROM tokens t WHERE t.user_id = ${token.userId}) < ${tokensPerUser}`,
        sql`NOT EXISTS (SELECT 1 FROM tokens t WHERE t.user_id = ${token.userId} AND t.name = ${token.name})`,
      ),
    );
  const [, , [made], [taken]] = await db.batch([
    db.insert(tokens).select(row),
    auditStatement(db, note, sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${token.id})`),
    db.select({ id: tokens.id }).from(tokens).where(eq(tokens.id, token.id)),
    db
      .select({ id: tokens.id })
      .from(tokens)
      .where(and(mine, eq(tokens.name, token.name))),
  ]);
  if (made) return null;
  return taken ? "name-taken" : "too-many";
}

/** False where the user has no such token. */
export async function deleteToken(d1: D1Database, userId: string, id: string, note: AuditNote): Promise<boolean> {
  const db = drizzle(d1);
  const isIt = and(eq(tokens.id, id), eq(tokens.userId, userId));
  const [, gone] = await db.batch([
    auditStatement(db, note, sql`EXISTS (SELECT 1 FROM tokens WHERE id = ${id} AND user_id = ${userId})`),
    db.delete(tokens).where(isIt).returning({ id: tokens.id }),
  ]);
  return gone.length > 0;
}

/** Once a minute at most, whoever asks: `before` is a minute ago. */
export async function noteTokenUse(d1: D1Database, id: string, at: string, before: string): Promise<void> {
  await drizzle(d1)
    .update(tokens)
    .set({ lastUsedAt: at })
    .where(and(eq(tokens.id, id), or(sql`${tokens.lastUsedAt} IS NULL`, lt(tokens.lastUsedAt, before))));
}
