/** Whether a name and a password belong together. Every way to be wrong gets the same answer in the same time. */
import type { Context } from "hono";
import { defaultAdminPassword, ensureFirstAdmin } from "../db/first-admin.ts";
import { writeLog } from "../db/logs.ts";
import { verifyNothing, verifyPassword } from "../db/passwords.ts";
import type { UserRow } from "../db/schema.ts";
import { findUserByName } from "../db/users.ts";
import type { AppEnv } from "./env.ts";
import { ApiError } from "./errors.ts";
import { clientAddress } from "./limits.ts";

/** Errors: INVALID_CREDENTIALS for a wrong password, an unknown and a disabled user; DEFAULT_PASSWORD_REFUSED. */
export async function checkedUser(c: Context<AppEnv>, username: string, password: string): Promise<UserRow> {
  let user = await findUserByName(c.env.DB, username);
  if (!user && username === "admin") {
    await ensureFirstAdmin(c.env.DB, { password: firstPassword(c, password) });
    user = await findUserByName(c.env.DB, username);
  }
  const isRight = user ? await verifyPassword(password, user.passwordHash) : await verifyNothing(password);
  if (!user || !isRight || user.disabled) {
    logFailure(c, user);
    throw new ApiError("INVALID_CREDENTIALS", "Wrong user name or password");
  }
  // The password may have been the default's since a time when only loopback reached it.
  if (password === defaultAdminPassword && !defaultIsAllowed(c)) throw defaultRefused();
  return user;
}

/** A name that nobody has is not written down: people type passwords into the wrong field. */
function logFailure(c: Context<AppEnv>, user: UserRow | null): void {
  const who = user ? `of ${user.username}` : "of a name that nobody has";
  c.executionCtx.waitUntil(
    writeLog(c.env.DB, {
      timestamp: new Date().toISOString(),
      level: "warn",
      source: "auth",
      message: `A login ${who} was refused`,
      userId: user?.id ?? null,
      metadata: { address: clientAddress(c), requestId: c.var.requestId },
    }).catch(() => {}),
  );
}

function firstPassword(c: Context<AppEnv>, tried: string): string {
  const secret = c.env.VOIDVM_ADMIN_PASSWORD;
  if (secret !== undefined && secret !== defaultAdminPassword) return secret;
  if (defaultIsAllowed(c)) return defaultAdminPassword;
  if (tried === defaultAdminPassword) throw defaultRefused();
  throw new ApiError("INVALID_CREDENTIALS", "There is no administrator yet: set the secret VOIDVM_ADMIN_PASSWORD");
}

function defaultIsAllowed(c: Context<AppEnv>): boolean {
  return c.env.VOIDVM_DEFAULT_ADMIN === "allowed";
}

function defaultRefused(): ApiError {
  return new ApiError("DEFAULT_PASSWORD_REFUSED", "Set the secret VOIDVM_ADMIN_PASSWORD to a password of your own");
}
