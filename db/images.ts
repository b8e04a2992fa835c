/** Images: the catalogue's, which every installation knows, and those that administrators added. */
import { asc, eq, notExists, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { catalogue, type CatalogueImage } from "../protocol/catalogue.ts";
import { auditIfChanged, type AuditNote } from "./audit.ts";
import { given } from "./given.ts";
import { type ImageRow, images, vms } from "./schema.ts";

export async function findImage(d1: D1Database, id: string): Promise<CatalogueImage | null> {
  const known = catalogue.find((image) => image.id === id);
  if (known) return known;
  const [row] = await drizzle(d1).select().from(images).where(eq(images.id, id));
  return row ? toCatalogueImage(row) : null;
}

/** The catalogue's first; of the added ones the newest. */
export async function findImageByOs(d1: D1Database, os: string): Promise<CatalogueImage | null> {
  const known = catalogue.find((image) => image.os === os);
  if (known) return known;
  const [row] = await drizzle(d1)
    .select()
    .from(images)
    .where(eq(images.os, os))
    .orderBy(sql`${images.createdAt} DESC, ${images.id} DESC`)
    .limit(1);
  return row ? toCatalogueImage(row) : null;
}

/** The catalogue in its order, then the added ones in the order of their names. */
export async function listImages(d1: D1Database): Promise<CatalogueImage[]> {
  const rows = await drizzle(d1).select().from(images).orderBy(asc(images.name));
  return [...catalogue, ...rows.map(toCatalogueImage)];
}

/** False when the name is taken. */
export async function insertImage(d1: D1Database, image: ImageRow, note: AuditNote): Promise<boolean> {
  const db = drizzle(d1);
  const insert = db
    .insert(images)
    .values(image)
    .onConflictDoNothing({ target: images.name })
    .returning({ id: images.id });
  const [rows] = await db.batch([insert, auditIfChanged(db, note)]);
  return rows.length > 0;
}

/** Deletes it if no machine is made from it. */
export async function deleteImage(
  d1: D1Database,
  id: string,
  note: AuditNote,
): Promise<"deleted" | "used" | "unknown"> {
  const db = drizzle(d1);
  const users = db
    .select({ one: given<number>(1, "one") })
    .from(vms)
    .where(eq(vms.imageId, id));
  const [deleted, , left] = await db.batch([
    db
      .delete(images)
      .where(sql`${eq(images.id, id)} AND ${notExists(users)}`)
      .returning({ id: images.id }),
    auditIfChanged(db, note),
    db.select({ id: images.id }).from(images).where(eq(images.id, id)),
  ]);
  if (deleted.length > 0) return "deleted";
  return left.length > 0 ? "used" : "unknown";
}

function toCatalogueImage({ id, name, os, url, sha256, format, minDisk, defaultUser }: ImageRow): CatalogueImage {
  const checksum = { algorithm: "sha256", digest: sha256 } as const;
  return { id, name, os, minDisk, defaultUser, source: { from: "url", url, checksum, format } };
}
