/** `/roles` and `/permissions`: what there is to be allowed, in the reader's language. */
import { Hono } from "hono";
import { permissions as table, permissionsOf, roles as roleTable } from "../../protocol/permissions.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { languageOf } from "../language.ts";

export const permissions = new Hono<AppEnv>().get("/", (c) => {
  const language = languageOf(c);
  return ok(c, {
    permissions: Object.entries(table).map(([name, texts]) => ({ name, description: texts[language] })),
  });
});

export const roles = new Hono<AppEnv>().get("/", (c) => {
  const language = languageOf(c);
  return ok(c, {
    roles: Object.entries(roleTable).map(([name, { sees, grants, ...texts }]) => ({
      name,
      description: texts[language],
      sees,
      grants,
      permissions: permissionsOf(grants),
    })),
  });
});
