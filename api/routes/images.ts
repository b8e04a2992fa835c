/** `/images`: what a machine can be made from. */
import { Hono } from "hono";
import { catalogue } from "../../protocol/catalogue.ts";
import { PageQuery } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { query } from "../validate.ts";
import { toImage, toPagination } from "../views.ts";

export const images = new Hono<AppEnv>()
  .get("/", query(PageQuery), (c) => {
    const { page, limit } = c.req.valid("query");
    const shown = catalogue.slice((page - 1) * limit, page * limit);
    return ok(c, { images: shown.map(toImage), pagination: toPagination(page, limit, catalogue.length) });
  })
  .get("/:id", (c) => {
    const image = catalogue.find(({ id }) => id === c.req.param("id"));
    if (!image)
      throw new ApiError("IMAGE_NOT_FOUND", `Image with ID '${c.req.param("id").slice(0, 100)}' was not found`);
    return ok(c, toImage(image));
  });
