/** `/auth`: from a name and a password to a token, and who the token says one is. */
import { type Context, Hono } from "hono";
import { defaultAdminPassword, ensureFirstAdmin } from "../../db/first-admin.ts";
import { verifyNothing, verifyPassword } from "../../db/passwords.ts";
import type { UserRow } from "../../db/schema.ts";
import { findUser, findUserByName } from "../../db/users.ts";
import { LoginRequest } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { accessTokenSeconds, signAccessToken } from "../tokens.ts";
import { body } from "../validate.ts";
import { toUser } from "../views.ts";

export const login = new Hono<AppEnv>().post("/", body(LoginRequest), async (c) => {
  const { username, password } = c.req.valid("json");
  const user = await checkedUser(c, username, password);
  const { id, role } = user;
  const token = await signAccessToken(
    c.env.VOIDVM_JWT_KEYS,
    { sub: id, name: user.username, role },
    accessTokenSeconds,
  );
  const expiresAt = new Date(Date.now() + accessTokenSeconds * 1000).toISOString();
  return ok(c, { token, expiresAt, user: toUser(user) }, 200, { token });
});

export const auth = new Hono<AppEnv>().get("/me", async (c) => {
  const user = await findUser(c.env.DB, c.var.caller.id);
  if (!user || user.disabled) throw new ApiError("UNAUTHENTICATED", "The token's user is gone or disabled");
  return ok(c, toUser(user));
});

/** A wrong password, an unknown and a disabled user get the same answer in the same time. */
async function checkedUser(c: Context<AppEnv>, username: string, password: string): Promise<UserRow> {
  let user = await findUserByName(c.env.DB, username);
  if (!user && username === "admin") {
    await ensureFirstAdmin(c.env.DB, { password: firstPassword(c, password) });
    user = await findUserByName(c.env.DB, username);
  }
  const isRight = user ? await verifyPassword(password, user.passwordHash) : await verifyNothing(password);
  if (!user || !isRight || user.disabled) throw new ApiError("INVALID_CREDENTIALS", "Wrong user name or password");
  // The password may have been the default's since a time when only loopback reached it.
  if (password === defaultAdminPassword && !defaultIsAllowed(c)) throw defaultRefused();
  return user;
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
