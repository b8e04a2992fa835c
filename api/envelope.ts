/** The envelope of every success: `{success: true, data, message, timestamp}`. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { languageOf } from "./language.ts";

const success = { zh: "操作成功", en: "OK" } as const;

/** `beside` stands at the top level too, where a documented example reads it there. */
export function ok(c: Context, data: unknown, status: ContentfulStatusCode = 200, beside: object = {}): Response {
  return c.json(
    { success: true, ...beside, data, message: success[languageOf(c)], timestamp: new Date().toISOString() },
    status,
  );
}
