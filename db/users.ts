/** Reads of users. */
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type UserRow, users } from "./schema.ts";

export async function findUserByName(d1: D1Database, username: string): Promise<UserRow | null> {
  const [user] = await drizzle(d1).select().from(users).where(eq(users.username, username));
  return user ?? null;
}

export async function findUser(d1: D1Database, id: string): Promise<UserRow | null> {
  const [user] = await drizzle(d1).select().from(users).where(eq(users.id, id));
  return user ?? null;
}
