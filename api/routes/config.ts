/** `/config`: what an administrator may set while everything runs. */
import { type Context, Hono } from "hono";
import { readConfig, seeConfig, updateConfig, updateSeenConfig } from "../../db/config.ts";
import { findImageByOs } from "../../db/images.ts";
import { type Config, ConfigUpdate } from "../../protocol/config.ts";
import { rememberConfig } from "../config.ts";
import type { AppEnv } from "../env.ts";
import { badField } from "../errors.ts";
import { assertMatches, hasPrecondition, okTagged, preconditionFailed } from "../etag.ts";
import { body } from "../validate.ts";

export const config = new Hono<AppEnv>()
  .get("/", async (c) => okTagged(c, await readConfig(c.env.DB)))
  .put("/", body(ConfigUpdate), async (c) => {
    const update = c.req.valid("json");
    const os = update.defaults?.os;
    if (os !== undefined && !(await findImageByOs(c.env.DB, os))) {
      throw badField("defaults.os", "there is no such image");
    }
    const merged = await merge(c, update);
    rememberConfig(merged);
    return okTagged(c, merged);
  });

async function merge(c: Context<AppEnv>, update: ConfigUpdate): Promise<Config> {
  if (!hasPrecondition(c)) return updateConfig(c.env.DB, update, c.var.auditNote);
  const seen = await seeConfig(c.env.DB);
  await assertMatches(c, seen.config);
  const merged = await updateSeenConfig(c.env.DB, update, c.var.auditNote, seen);
  if (!merged) throw preconditionFailed();
  return merged;
}
