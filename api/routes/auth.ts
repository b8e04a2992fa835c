/** `/auth`: from a name and a password to a session, its renewal and its end, and tokens for programs. */
import { type Context, Hono } from "hono";
import * as z from "zod";
import { writeLog } from "../../db/logs.ts";
import { hashPassword, isDated, verifyPassword } from "../../db/passwords.ts";
import { changePassword, endSession, insertSession, refreshSession } from "../../db/sessions.ts";
import type { UserRow } from "../../db/schema.ts";
import { findUser } from "../../db/users.ts";
import { PasswordChange, RefreshRequest } from "../../protocol/accounts.ts";
import { allowedPermissions } from "../../protocol/permissions.ts";
import { socketLimits } from "../../protocol/client-socket.ts";
import { LoginRequest } from "../../protocol/rest.ts";
import { credentialOf } from "../auth.ts";
import { checkedUser } from "../check-login.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { userHub } from "../hubs.ts";
import { hashSecret, newId } from "../ids.ts";
import { admitLogin, clientAddress } from "../limits.ts";
import { newRefreshToken } from "../personal-tokens.ts";
import { publicOrigin } from "../public-origin.ts";
import { newSocketTicket } from "../socket-tickets.ts";
import { accessTokenSeconds, refreshTokenSeconds, signAccessToken } from "../tokens.ts";
import { changeUser } from "../user-changes.ts";
import { body } from "../validate.ts";
import { toUser } from "../views.ts";
import { tokens } from "./tokens.ts";

const Nothing = z.strictObject({});

export const auth = new Hono<AppEnv>()
  .post("/login", body(LoginRequest), async (c) => {
    const { username, password } = c.req.valid("json");
    await admitLogin(c, username);
    const user = await checkedUser(c, username, password);
    noteUser(c, user);
    const sessionId = newId("ses");
    const now = Date.now();
    const refreshToken = newRefreshToken();
    await insertSession(
      c.env.DB,
      { id: sessionId, userId: user.id, createdAt: iso(now), expiresAt: iso(now + refreshTokenSeconds * 1000) },
      await hashSecret(refreshToken),
      {
        passwordHash: isDated(user.passwordHash) ? await hashPassword(password) : null,
        log: {
          timestamp: iso(now),
          level: "info",
          source: "auth",
          message: `${user.username} logged in`,
          userId: user.id,
          metadata: { session: sessionId, address: clientAddress(c), requestId: c.var.requestId },
        },
        note: c.var.auditNote,
      },
    );
    return answerTokens(c, { ...user, lastLoginAt: iso(now) }, sessionId, refreshToken, now);
  })
  .post("/refresh", body(RefreshRequest), async (c) => {
    const hash = await hashSecret(c.req.valid("json").refreshToken);
    const refreshToken = newRefreshToken();
    const now = Date.now();
    const next = {
      hash: await hashSecret(refreshToken),
      now: iso(now),
      expiresAt: iso(now + refreshTokenSeconds * 1000),
    };
    const refreshed = await refreshSession(c.env.DB, hash, next);
    if (refreshed.state === "refreshed") {
      noteUser(c, refreshed.user);
      return answerTokens(c, refreshed.user, refreshed.sessionId, refreshToken, now);
    }
    if (refreshed.state === "replayed") {
      // Whoever is the thief, the owner or the other: both are out.
      const { userId, sessionId } = refreshed;
      await changeUser(c, userId, () => endSession(c.env.DB, sessionId, "replay", iso(now), c.var.auditNote));
      await writeLog(c.env.DB, {
        timestamp: iso(now),
        level: "warn",
        source: "auth",
        message: "A refresh token was used twice; its session was ended",
        userId,
        metadata: { session: sessionId, address: clientAddress(c), requestId: c.var.requestId },
      });
    }
    throw new ApiError("UNAUTHENTICATED", "The refresh token is not good, or not any more: log in again");
  })
  .post("/logout", body(Nothing), async (c) => {
    const { id, credential } = c.var.caller;
    const sessionId = credential.id;
    if (credential.type !== "session" || sessionId === null) {
      throw new ApiError(
        "INVALID_REQUEST_PARAMS",
        "Only a session can log out; a token is revoked with DELETE /auth/tokens/{id}",
      );
    }
    await changeUser(c, id, () => endSession(c.env.DB, sessionId, "logout", iso(), c.var.auditNote));
    return c.body(null, 204);
  })
  .get("/me", async (c) => {
    const { caller } = c.var;
    const user = await findUser(c.env.DB, caller.id);
    if (!user) throw new ApiError("UNAUTHENTICATED", "The token's user is gone");
    return ok(c, { ...toUser(user), allowed: allowedPermissions(caller) });
  })
  .put("/password", body(PasswordChange), async (c) => {
    const { currentPassword, newPassword } = c.req.valid("json");
    const { id, name, credential } = c.var.caller;
    await admitLogin(c, name);
    const user = await findUser(c.env.DB, id);
    if (!user || !(await verifyPassword(currentPassword, user.passwordHash))) {
      throw new ApiError("WRONG_PASSWORD", "currentPassword is not the password of this user");
    }
    const change = {
      from: user.passwordHash,
      to: await hashPassword(newPassword),
      keep: credential.type === "session" ? credential.id : null,
      now: iso(),
    };
    const changed = await changeUser(c, id, () => changePassword(c.env.DB, id, change, c.var.auditNote));
    if (!changed) throw new ApiError("WRONG_PASSWORD", "The password was changed by somebody else just now");
    return c.body(null, 204);
  })
  .post("/ws-ticket", body(Nothing), async (c) => {
    const bearer = await credentialOf(c);
    const ticket = newSocketTicket(bearer.userId);
    const expiresAt = Date.now() + socketLimits.ticketSeconds * 1000;
    const hub = c.env.USER_HUB.getByName(userHub(bearer.userId));
    await hub.offerTicket(await hashSecret(ticket), bearer, expiresAt);
    const url = new URL("/ws", publicOrigin(c));
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({ ticket }).toString();
    c.header("Cache-Control", "no-store");
    return ok(c, { ticket, url: url.href, expiresAt: iso(expiresAt) }, 201);
  })
  .route("/tokens", tokens);

/** The token stands at the top level too, where the documentation's first example reads it. */
async function answerTokens(c: Context<AppEnv>, user: UserRow, sessionId: string, refreshToken: string, now: number) {
  const token = await signAccessToken(c.env.VOIDVM_JWT_KEYS, { sub: user.id, sid: sessionId }, accessTokenSeconds);
  const data = {
    token,
    expiresAt: iso(now + accessTokenSeconds * 1000),
    refreshToken,
    refreshExpiresAt: iso(now + refreshTokenSeconds * 1000),
    user: toUser(user),
  };
  c.header("Cache-Control", "no-store");
  return ok(c, data, 200, { token });
}

/** Who came in, for the audit trail: the route is open and has no caller. */
function noteUser(c: Context<AppEnv>, { id, username }: UserRow): void {
  c.set("auditNote", { ...c.var.auditNote, userId: id, username });
}

function iso(time: number = Date.now()): string {
  return new Date(time).toISOString();
}
