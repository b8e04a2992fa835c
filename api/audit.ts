/**
 * Writes down every change that is asked for: who, with which credential, from where, and how it went.
 *
 * Where the change has a batch, its entry is in it; this adds what no batch has written, beside the answer, and tells
 * who waits for events.
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { type AuditNote, writeAudit } from "../db/audit.ts";
import { auditedReads, type RouteKey } from "./access.ts";
import type { AppEnv, Caller } from "./env.ts";
import { clientAddress } from "./limits.ts";
import { tellHubs } from "./hubs.ts";

/** What was not even understood, or came from nobody known, or too often, is no change that was asked for. */
const unwritten: readonly number[] = [400, 401, 413, 415, 429];

export const auditChanges = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  // Null until the guard knows the route.
  const note = c.get("auditNote") as AuditNote | undefined;
  const { status } = c.res;
  if (!note || unwritten.includes(status)) return;
  const result = status < 400 ? "succeeded" : status < 500 ? "refused" : "failed";
  const code = c.var.errorCode ?? null;
  c.executionCtx.waitUntil(
    writeAudit(c.env.DB, note, { result, code })
      .then((hubs) => tellHubs(c.env, hubs))
      .catch(({ message }: Error) => {
        console.error(JSON.stringify({ level: "error", message: `audit: ${message}`, note, result, code }));
      }),
  );
});

/** Called by the guard, once it knows who asks for what. Reading is no change, but for what opens a way in. */
export function beginAudit(c: Context<AppEnv>, route: RouteKey, caller: Caller | null): void {
  const [method = "", path = ""] = route.split(" ");
  if (method === "GET" && !auditedReads.has(route)) return;
  c.set("auditNote", {
    key: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    ...who(caller),
    address: clientAddress(c),
    method,
    route: path,
    path: c.req.path.slice(0, 500),
    requestId: c.var.requestId,
  });
}

/** Tells in the entry what of the query matters. The query itself may hold a token. */
export function addToAudit(c: Context<AppEnv>, query: string): void {
  c.set("auditNote", { ...c.var.auditNote, path: `${c.var.auditNote.path}?${query}` });
}

/** Of a request that changes nothing after all: it only hears again what an earlier one did. */
export function dropAudit(c: Context<AppEnv>): void {
  c.set("auditNote", undefined as never);
}

function who(caller: Caller | null): Pick<AuditNote, "userId" | "username" | "credential" | "credentialId"> {
  if (!caller) return { userId: null, username: null, credential: "none", credentialId: null };
  const { id, name, credential } = caller;
  return { userId: id, username: name, credential: credential.type, credentialId: credential.id };
}
