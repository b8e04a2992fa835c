/** `/hosts`: the machines that machines run on. For administrators. */
import { type Context, Hono } from "hono";
import { findHost, type HostView, insertHost, listHosts, renewEnrolment } from "../../db/hosts.ts";
import { HostCreate, PageQuery } from "../../protocol/rest.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { hashSecret, newId, newSecret } from "../ids.ts";
import { body, query } from "../validate.ts";
import { toHost, toPagination } from "../views.ts";

const tokenLifeMs = 15 * 60_000;

export const hosts = new Hono<AppEnv>()
  .get("/", query(PageQuery), async (c) => {
    const { page, limit } = c.req.valid("query");
    const { views, total } = await listHosts(c.env.DB, page, limit);
    return ok(c, { hosts: views.map(toHost), pagination: toPagination(page, limit, total) });
  })
  .post("/", body(HostCreate), async (c) => {
    const { name, labels = {} } = c.req.valid("json");
    const token = newSecret();
    const enrolment = await enrolmentFor(token);
    const host = { id: newId("host"), name, labels, createdAt: new Date().toISOString() };
    if (!(await insertHost(c.env.DB, host, enrolment)))
      throw new ApiError("NAME_TAKEN", `There is a host named '${name}'`);
    c.header("Location", `/api/v1/hosts/${host.id}`);
    return ok(
      c,
      { host: toHost(await requireHost(c, host.id)), enrolment: shownOnce(c, token, enrolment.expiresAt) },
      201,
    );
  })
  .get("/:id", async (c) => ok(c, toHost(await requireHost(c, c.req.param("id")))))
  .post("/:id/token", async (c) => {
    const id = c.req.param("id");
    const token = newSecret();
    const enrolment = await enrolmentFor(token);
    if (!(await renewEnrolment(c.env.DB, id, enrolment))) throw notFound(id);
    return ok(c, { enrolment: shownOnce(c, token, enrolment.expiresAt) }, 201);
  });

async function enrolmentFor(token: string) {
  return { hash: await hashSecret(token), expiresAt: new Date(Date.now() + tokenLifeMs).toISOString() };
}

/** The token is kept as a hash alone: this answer is the only place where it stands. */
function shownOnce(c: Context<AppEnv>, token: string, expiresAt: string) {
  const { origin } = new URL(c.req.url);
  const command = `VOIDVM_EDGE=${origin} VOIDVM_ENROLMENT_TOKEN=${token} node agent/main.ts`;
  return { token, expiresAt, command };
}

async function requireHost(c: Context<AppEnv>, id: string): Promise<HostView> {
  const view = await findHost(c.env.DB, id);
  if (!view) throw notFound(id);
  return view;
}

function notFound(id: string): ApiError {
  return new ApiError("HOST_NOT_FOUND", `Host with ID '${id.slice(0, 100)}' was not found`);
}
