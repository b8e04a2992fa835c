/** The first administrator, made where there is no user at all. */
import { and, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { hashPassword, verifyPassword } from "./passwords.ts";
import { users } from "./schema.ts";

const firstAdmin = { id: `user-${"0".repeat(26)}`, username: "admin" } as const;

/** Fit for loopback alone, and refused anywhere else. */
export const defaultAdminPassword = "admin123";

/** Makes `admin` if nobody is there. One statement decides, so two that race make one. */
export async function ensureFirstAdmin(d1: D1Database, { password }: { readonly password: string }): Promise<void> {
  const db = drizzle(d1);
  if ((await db.select({ id: users.id }).from(users).limit(1)).length > 0) return;
  const now = new Date().toISOString();
  const hash = await hashPassword(password);
  await db.run(sql`
    INSERT INTO users (id, username, password_hash, role, plan, disabled, created_at, updated_at)
    SELECT ${firstAdmin.id}, ${firstAdmin.username}, ${hash}, 'admin', 'none', 0, ${now}, ${now}
    WHERE NOT EXISTS (SELECT 1 FROM users)`);
}

export async function adminHasDefaultPassword(d1: D1Database): Promise<boolean> {
  const [admin] = await drizzle(d1)
    .select({ hash: users.passwordHash })
    .from(users)
    .where(and(eq(users.username, firstAdmin.username), eq(users.role, "admin")));
  return admin !== undefined && verifyPassword(defaultAdminPassword, admin.hash);
}
