/**
 * `ETag` on what stands alone, and `If-Match` on what changes it.
 *
 * A tag is a digest of what the resource is, without what merely happens to it: an operation that goes on, a host that
 * was seen again. So who reads, thinks and writes is refused only where somebody else has written.
 */
import type { Context } from "hono";
import { ApiError } from "./errors.ts";
import { ok } from "./envelope.ts";

const passing = new Set([
  ...["operation", "host", "updatedAt", "lastSeenAt", "lastLoginAt", "lastUsedAt"],
  ...["allocated", "facts", "agentVersion", "images"],
]);

export async function etagOf(data: object): Promise<string> {
  const lasting = Object.entries(data).filter(([key]) => !passing.has(key));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(lasting)));
  return `"${new Uint8Array(digest).toHex().slice(0, 32)}"`;
}

/** The answer that shows one resource. */
export async function okTagged(c: Context, data: object, status: 200 | 201 = 200): Promise<Response> {
  c.header("ETag", await etagOf(data));
  return ok(c, data, status);
}

export function hasPrecondition(c: Context): boolean {
  return c.req.header("If-Match") !== undefined;
}

/** `current`: what the resource is now, as the API shows it. Errors: PRECONDITION_FAILED. */
export async function assertMatches(c: Context, current: object): Promise<void> {
  const wanted = c.req.header("If-Match");
  if (wanted === undefined) return;
  const tags = wanted.split(",").map((tag) => tag.trim());
  // A weak tag never matches: If-Match compares strongly.
  if (tags.includes("*") || tags.includes(await etagOf(current))) return;
  throw preconditionFailed();
}

export function preconditionFailed(): ApiError {
  return new ApiError("PRECONDITION_FAILED", "It has changed since you read it: read it again, and then decide");
}
