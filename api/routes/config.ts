/** `/config`: what an administrator may set while everything runs. */
import { Hono } from "hono";
import { readConfig, updateConfig } from "../../db/config.ts";
import { findImageByOs } from "../../db/images.ts";
import { ConfigUpdate } from "../../protocol/config.ts";
import { rememberConfig } from "../config.ts";
import type { AppEnv } from "../env.ts";
import { badField } from "../errors.ts";
import { assertMatches, okTagged } from "../etag.ts";
import { body } from "../validate.ts";

export const config = new Hono<AppEnv>()
  .get("/", async (c) => okTagged(c, await readConfig(c.env.DB)))
  .put("/", body(ConfigUpdate), async (c) => {
    const update = c.req.valid("json");
    const os = update.defaults?.os;
    if (os !== undefined && !(await findImageByOs(c.env.DB, os)))
      throw badField("defaults.os", "there is no such image");
    if (c.req.header("If-Match") !== undefined) await assertMatches(c, await readConfig(c.env.DB));
    const config = await updateConfig(c.env.DB, update, c.var.auditNote);
    rememberConfig(config);
    return okTagged(c, config);
  });
