/** `/images`: what a machine can be made from. Administrators add images of their own; hosts verify every one. */
import { type Context, Hono } from "hono";
import { deleteImage, findImage, insertImage, listImages } from "../../db/images.ts";
import { catalogue, type CatalogueImage } from "../../protocol/catalogue.ts";
import { ImageCreate, ImageListQuery } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError, badField } from "../errors.ts";
import { assertMatches, okTagged } from "../etag.ts";
import { newId } from "../ids.ts";
import { publicUrl } from "../public-url.ts";
import { body, query } from "../validate.ts";
import { toImage, toPagination } from "../views.ts";

export const images = new Hono<AppEnv>()
  .get("/", query(ImageListQuery), async (c) => {
    const { page, limit, os, source, search } = c.req.valid("query");
    const found = (await listImages(c.env.DB))
      .map(toImage)
      .filter((image) => os === undefined || image.os === os)
      .filter((image) => source === undefined || image.source === source)
      .filter(({ name }) => search === undefined || name.toLowerCase().includes(search.toLowerCase()));
    const shown = found.slice((page - 1) * limit, page * limit);
    return ok(c, { images: shown, pagination: toPagination(page, limit, found.length) });
  })
  .post("/", body(ImageCreate), async (c) => {
    const { minDisk = 10, defaultUser = "user", ...wanted } = c.req.valid("json");
    if (catalogue.some(({ os }) => os === wanted.os)) {
      throw badField("os", `'${wanted.os}' is the catalogue's: choose another, or use that image`);
    }
    const image = {
      ...wanted,
      ...{ minDisk, defaultUser },
      id: newId("img"),
      url: publicUrl(wanted.url),
      createdBy: c.var.caller.id,
      createdAt: new Date().toISOString(),
    };
    if (!(await insertImage(c.env.DB, image, c.var.auditNote))) {
      throw new ApiError("NAME_TAKEN", `There is an image named '${image.name}' already`);
    }
    c.header("Location", `/api/v1/images/${image.id}`);
    return okTagged(c, toImage(await requireImage(c, image.id)), 201);
  })
  .get("/:id", async (c) => okTagged(c, toImage(await requireImage(c, c.req.param("id")))))
  .delete("/:id", async (c) => {
    const id = c.req.param("id");
    const image = toImage(await requireImage(c, id));
    await assertMatches(c, image);
    if (image.source === "catalogue") throw new ApiError("FORBIDDEN", "The catalogue's images can't be deleted");
    switch (await deleteImage(c.env.DB, id, c.var.auditNote)) {
      case "unknown":
        throw notFound(id);
      case "used":
        throw new ApiError("IMAGE_IN_USE", `Machines were made from '${image.name}': delete them first`);
      case "deleted":
        return c.body(null, 204);
    }
  });

async function requireImage(c: Context<AppEnv>, id: string): Promise<CatalogueImage> {
  const image = await findImage(c.env.DB, id);
  if (!image) throw notFound(id);
  return image;
}

function notFound(id: string): ApiError {
  return new ApiError("IMAGE_NOT_FOUND", `Image with ID '${id.slice(0, 100)}' was not found`);
}
