/** `/openapi.json`: what this API is, made from what is mounted. Open to everybody. */
import { Hono } from "hono";
import type { RouterRoute } from "hono/types";
import type { AppEnv } from "../env.ts";
import { openApiDocument } from "../openapi/document.ts";

/** `mounted` is asked at the first request, when all is mounted. */
export function openapi(mounted: () => readonly RouterRoute[]) {
  let text: string | undefined;
  return new Hono<AppEnv>().get("/", (c) => {
    text ??= JSON.stringify(openApiDocument(mounted(), c.env.VOIDVM_VERSION ?? "unknown"));
    return c.body(text, 200, { "Content-Type": "application/json; charset=UTF-8", "Cache-Control": "no-cache" });
  });
}
