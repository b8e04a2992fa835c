/** `/hosts`: the machines that machines run on. For administrators. */
import { type Context, Hono } from "hono";
import * as z from "zod";
import { deleteHost, readRemaining, updateHost } from "../../db/change-host.ts";
import { type Stopping, stopVmsOf } from "../../db/drain-host.ts";
import { findHost, type HostView, insertHost, listHosts, renewEnrolment } from "../../db/hosts.ts";
import { operationInputs } from "../../protocol/operations.ts";
import { type DrainedHost, type Host, HostCreate, HostDrain, HostListQuery, HostUpdate } from "../../protocol/rest.ts";
import { defaultGraceSeconds } from "../../protocol/vm.ts";
import { orderUpdate } from "../agent-updates.ts";
import { currentConfig } from "../config.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { assertMatches, hasPrecondition, okTagged, preconditionFailed } from "../etag.ts";
import { hashSecret, newId, newSecret } from "../ids.ts";
import { readRelease } from "../release.ts";
import { revoke } from "../revocations.ts";
import { body, query } from "../validate.ts";
import { toHost, toPagination } from "../views.ts";
import { wakeHost } from "../wait.ts";
import { installCommand } from "./install.ts";

const DeleteQuery = z.strictObject({ force: z.enum(["true", "false"]).optional() });
const Nothing = z.strictObject({});

/** How often a change is tried again because another came between. */
const changeTries = 5;
const tokenLifeMs = 15 * 60_000;

export const hosts = new Hono<AppEnv>()
  .get("/", query(HostListQuery), async (c) => {
    const { page, limit } = c.req.valid("query");
    const { views, total } = await listHosts(c.env.DB, c.req.valid("query"));
    const config = await currentConfig(c);
    return ok(c, { hosts: views.map((view) => toHost(view, config)), pagination: toPagination(page, limit, total) });
  })
  .post("/", body(HostCreate), async (c) => {
    const { name, labels = {} } = c.req.valid("json");
    const token = newSecret();
    const enrolment = await enrolmentFor(token);
    const host = { id: newId("host"), name, labels, createdAt: new Date().toISOString() };
    if (!(await insertHost(c.env.DB, host, enrolment, c.var.auditNote)))
      throw new ApiError("NAME_TAKEN", `There is a host named '${name}'`);
    c.header("Location", `/api/v1/hosts/${host.id}`);
    return ok(
      c,
      { host: await shownHost(c, await requireHost(c, host.id)), enrolment: shownOnce(c, token, enrolment.expiresAt) },
      201,
    );
  })
  .get("/:id", async (c) => okTagged(c, await shownHost(c, await requireHost(c, c.req.param("id")))))
  .patch("/:id", body(HostUpdate), async (c) =>
    okTagged(c, await shownHost(c, await changeHost(c, c.req.param("id"), c.req.valid("json")))),
  )
  .delete("/:id", query(DeleteQuery), async (c) => {
    const id = c.req.param("id");
    const seen = await requireHost(c, id);
    await assertMatches(c, await shownHost(c, seen));
    const { name, allocatedVms } = seen.host;
    const force = c.req.valid("query").force === "true";
    if (!(await deleteHost(c.env.DB, id, { force, now: new Date().toISOString() }, c.var.auditNote))) {
      throw new ApiError("HOST_HAS_VMS", `'${name}' has ${allocatedVms} machines: delete them, or use force`);
    }
    await revoke(c.env, { hostId: id, keySerial: null });
    return c.body(null, 204);
  })
  .post("/:id/drain", body(HostDrain), async (c) => {
    const id = c.req.param("id");
    const { shutdown = false, timeout = defaultGraceSeconds } = c.req.valid("json");
    const host = await changeHost(c, id, { schedulable: false });
    // Only now: from here on no machine comes that would be missed.
    const stopping = shutdown ? await stopVms(c, id, timeout * 1000) : [];
    return ok(c, {
      ...{ host: await shownHost(c, host), stopping },
      remaining: await readRemaining(c.env.DB, id),
    } satisfies DrainedHost);
  })
  .post("/:id/release", body(Nothing), async (c) => {
    const id = c.req.param("id");
    const { host } = await requireHost(c, id);
    if (host.status !== "quarantined") throw new ApiError("HOST_NOT_QUARANTINED", `'${host.name}' is ${host.status}`);
    await c.env.HOST_LINK.getByName(id).release(id);
    return ok(c, await shownHost(c, await requireHost(c, id)));
  })
  .post("/:id/upgrade", body(Nothing), async (c) => {
    const id = c.req.param("id");
    const { host } = await requireHost(c, id);
    const { version } = await readRelease(c.env);
    if (host.agentVersion !== version) {
      const order = await orderUpdate(c.env, id, version, c.var.auditNote);
      if (order === "offline") throw new ApiError("HOST_OFFLINE", `'${host.name}' is not connected`);
      if (order === "unsupported") {
        throw new ApiError("HOST_NOT_UPDATABLE", `'${host.name}' runs an agent that install.sh has not installed`);
      }
    }
    return ok(c, await shownHost(c, await requireHost(c, id)), 202);
  })
  .post("/:id/token", async (c) => {
    const id = c.req.param("id");
    const token = newSecret();
    const enrolment = await enrolmentFor(token);
    if (!(await renewEnrolment(c.env.DB, id, enrolment, c.var.auditNote))) throw notFound(id);
    return ok(c, { enrolment: shownOnce(c, token, enrolment.expiresAt) }, 201);
  });

/** Errors: HOST_NOT_FOUND, NAME_TAKEN, PRECONDITION_FAILED. */
async function changeHost(c: Context<AppEnv>, id: string, wanted: HostUpdate): Promise<HostView> {
  for (let left = changeTries; left > 0; left--) {
    const seen = await requireHost(c, id);
    await assertMatches(c, await shownHost(c, seen));
    const result = await updateHost(c.env.DB, seen.host, wanted, c.var.auditNote);
    if (result === "updated") return requireHost(c, id);
    if (result === "taken") throw new ApiError("NAME_TAKEN", `There is a host named '${wanted.name ?? ""}'`);
    if (hasPrecondition(c)) throw preconditionFailed();
  }
  throw new ApiError("UNAVAILABLE", "Too many changes of this host at once: try again", { retryAfter: 1 });
}

async function stopVms(c: Context<AppEnv>, hostId: string, graceMs: number): Promise<Stopping[]> {
  const order = {
    kind: "vm.stop" as const,
    input: operationInputs["vm.stop"].parse({ graceMs }),
    userId: c.var.caller.id,
    requestId: c.var.requestId,
    createdAt: new Date().toISOString(),
  };
  const stopping = await stopVmsOf(c.env.DB, hostId, order, () => newId("op"));
  const [first] = stopping;
  if (first) wakeHost(c, { hostId, id: first.operationId });
  return stopping;
}

async function enrolmentFor(token: string) {
  return { hash: await hashSecret(token), expiresAt: new Date(Date.now() + tokenLifeMs).toISOString() };
}

/** The token is kept as a hash alone: this answer is the only place where it stands. */
function shownOnce(c: Context<AppEnv>, token: string, expiresAt: string) {
  return { token, expiresAt, command: installCommand(c, token) };
}

async function shownHost(c: Context<AppEnv>, view: HostView): Promise<Host> {
  return toHost(view, await currentConfig(c));
}

async function requireHost(c: Context<AppEnv>, id: string): Promise<HostView> {
  const view = await findHost(c.env.DB, id);
  if (!view) throw notFound(id);
  return view;
}

function notFound(id: string): ApiError {
  return new ApiError("HOST_NOT_FOUND", `Host with ID '${id.slice(0, 100)}' was not found`);
}
