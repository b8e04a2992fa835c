/** Bodies and queries by their zod schemas: a 400 names every field that is wrong. */
import { zValidator } from "@hono/zod-validator";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import type * as z from "zod";
import type { FieldError } from "../protocol/rest.ts";
import { ApiError } from "./errors.ts";

const maxBodyBytes = 1_048_576;

/** For every route: what is too large or no JSON is refused before it is read. */
export const limitBody = bodyLimit({
  maxSize: maxBodyBytes,
  onError: () => {
    throw new ApiError("PAYLOAD_TOO_LARGE", `A body may have ${maxBodyBytes} bytes`);
  },
});

export const requireJson = createMiddleware(async (c, next) => {
  const type = c.req.header("Content-Type");
  const hasBody = c.req.raw.body !== null && c.req.header("Content-Length") !== "0";
  if (hasBody && !/^application\/([a-z.-]+\+)?json\s*(;|$)/i.test(type ?? "")) {
    throw new ApiError("UNSUPPORTED_MEDIA_TYPE", `Content-Type is ${type ?? "missing"}, and must be application/json`);
  }
  // Many clients name the type of a body that they don't send. Without the type, it validates as `{}`.
  if (!hasBody && type !== undefined) {
    const headers = new Headers(c.req.raw.headers);
    headers.delete("Content-Type");
    c.req.raw = new Request(c.req.raw, { headers });
  }
  await next();
});

export function body<S extends z.ZodType>(schema: S) {
  return validate("json", schema);
}

export function query<S extends z.ZodType>(schema: S) {
  return validate("query", schema);
}

/** What a mounted handler validates, for the OpenAPI document. */
export const validatedBy = new WeakMap<object, { readonly target: "json" | "query"; readonly schema: z.ZodType }>();

function validate<T extends "json" | "query", S extends z.ZodType>(target: T, schema: S) {
  const handler = zValidator(target, schema, (result) => {
    if (result.success) return;
    const { fields, details } = invalidity(result.error);
    throw new ApiError("INVALID_REQUEST_PARAMS", details, { fields });
  });
  validatedBy.set(handler, { target, schema });
  return handler;
}

/** What is wrong with which field, and all of it in a line. */
export function invalidity({ issues }: z.core.$ZodError): { fields: FieldError[]; details: string } {
  const fields = issues.flatMap(toFields);
  const details = fields.map(({ path, message }) => `${path || "body"}: ${message}`).join("; ");
  return { fields, details: details.slice(0, 2000) };
}

function toFields(issue: z.core.$ZodIssue) {
  const path = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return [{ path: path.join("."), message: issue.message }];
  return issue.keys.map((key) => ({ path: [...path, key.slice(0, 100)].join("."), message: "unknown key" }));
}
