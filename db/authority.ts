/** What decides over a user's requests, in one read: the user, the sessions that were ended, the tokens that are good. */
import { and, eq, gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Grant, PermissionChange, Role } from "../protocol/permissions.ts";
import { sessions, tokens, users } from "./schema.ts";

export interface Authority {
  readonly username: string;
  readonly role: Role;
  readonly permissions: readonly PermissionChange[];
  readonly disabled: boolean;
  readonly endedSessions: readonly string[];
  readonly tokens: readonly {
    readonly id: string;
    readonly hash: string;
    readonly scopes: readonly Grant[];
    /** ISO; null: never. */
    readonly expiresAt: string | null;
  }[];
}

/** Null where there is no such user. Sessions that ended before `endedSince` have no access token left that is good. */
export async function readAuthority(d1: D1Database, userId: string, endedSince: string): Promise<Authority | null> {
  const db = drizzle(d1);
  const [[user], ended, good] = await db.batch([
    db
      .select({
        username: users.username,
        role: users.role,
        permissions: users.permissions,
        disabled: users.disabled,
      })
      .from(users)
      .where(eq(users.id, userId)),
    db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(eq(sessions.userId, userId), gt(sessions.endedAt, endedSince))),
    db
      .select({ id: tokens.id, hash: tokens.hash, scopes: tokens.scopes, expiresAt: tokens.expiresAt })
      .from(tokens)
      .where(eq(tokens.userId, userId)),
  ]);
  return user ? { ...user, endedSessions: ended.map(({ id }) => id), tokens: good } : null;
}
