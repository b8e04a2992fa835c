/** `/auth/tokens`: personal access tokens, for programs. One is shown once, and reaches no further than its scopes. */
import { Hono } from "hono";
import { deleteToken, insertToken, listTokens, tokensPerUser } from "../../db/tokens.ts";
import { TokenCreate } from "../../protocol/accounts.ts";
import { isAllowed, permissionsOf } from "../../protocol/permissions.ts";
import { PageQuery } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError, badField } from "../errors.ts";
import { hashSecret, newId } from "../ids.ts";
import { newPersonalToken } from "../personal-tokens.ts";
import { changeUser } from "../user-changes.ts";
import { body, query } from "../validate.ts";
import { toPagination, toToken } from "../views.ts";

export const tokens = new Hono<AppEnv>()
  .get("/", query(PageQuery), async (c) => {
    const { page, limit } = c.req.valid("query");
    const { rows, total } = await listTokens(c.env.DB, c.var.caller.id, page, limit);
    return ok(c, { tokens: rows.map(toToken), pagination: toPagination(page, limit, total) });
  })
  .post("/", body(TokenCreate), async (c) => {
    const { caller, auditNote } = c.var;
    const { name, scopes, expiresAt = null } = c.req.valid("json");
    if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) throw badField("expiresAt", "must be in the future");
    // A token must not make another that may do what it may not itself. What its user lacks, no scope can give.
    if (caller.scopes !== null) {
      const beyond = permissionsOf(scopes).find((permission) => !isAllowed(caller, permission));
      if (beyond) throw new ApiError("FORBIDDEN", `A token can't give ${beyond}, which it does not have`);
    }
    const token = newPersonalToken(caller.id);
    const createdAt = new Date().toISOString();
    const row = { id: newId("tok"), userId: caller.id, name, scopes, expiresAt, createdAt };
    const hash = await hashSecret(token);
    const refusal = await changeUser(c, caller.id, () => insertToken(c.env.DB, { ...row, hash }, auditNote));
    if (refusal === "name-taken") throw new ApiError("NAME_TAKEN", `You have a token named '${name}' already`);
    if (refusal === "too-many") throw new ApiError("QUOTA_EXCEEDED", `A user has ${tokensPerUser} tokens at most`);
    c.header("Location", `/api/v1/auth/tokens/${row.id}`);
    c.header("Cache-Control", "no-store");
    return ok(c, { ...toToken({ ...row, hash, lastUsedAt: null }), token }, 201);
  })
  .delete("/:id", async (c) => {
    const { caller, auditNote } = c.var;
    const id = c.req.param("id");
    const gone = await changeUser(c, caller.id, () => deleteToken(c.env.DB, caller.id, id, auditNote));
    if (!gone) throw new ApiError("TOKEN_NOT_FOUND", `Token with ID '${id.slice(0, 100)}' was not found`);
    return c.body(null, 204);
  });
