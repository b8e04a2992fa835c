/** `/events`: what happened, in order. `after` misses nothing and tells nothing twice; `/ws` tells it as it happens. */
import { type Context, Hono } from "hono";
import { hasEvents, readEvents } from "../../db/events.ts";
import { findVm } from "../../db/vms.ts";
import { type EventList, EventQuery, eventRules } from "../../protocol/events.ts";
import { isAllowed } from "../../protocol/permissions.ts";
import { VmId } from "../../protocol/vm.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { expiredEvents } from "../events-expired.ts";
import { languageOf } from "../language.ts";
import { ownerOf } from "../owner.ts";
import { query } from "../validate.ts";
import { toEvent } from "../views.ts";
import { vmNotFound } from "../vm-not-found.ts";

export const events = new Hono<AppEnv>().get("/", query(EventQuery), (c) => list(c, c.req.valid("query")));

/** Below `/vms`. */
export const vmEvents = new Hono<AppEnv>().get("/:id/events", query(EventQuery.omit({ vmId: true })), async (c) =>
  list(c, { ...c.req.valid("query"), vmId: await vmIdOf(c, c.req.param("id")) }),
);

/** Errors: EVENTS_EXPIRED. */
async function list(c: Context<AppEnv>, { after, limit, vmId }: EventQuery): Promise<Response> {
  const { rows, through, last, forgotten } = await readEvents(c.env.DB, ownerOf(c), { after: after ?? 0, limit, vmId });
  if (after !== undefined && (after < forgotten || after > last)) throw expiredEvents(after, forgotten);
  const shown = rows.filter(
    ({ event }) => event in eventRules && isAllowed(c.var.caller, eventRules[event].permission),
  );
  const language = languageOf(c);
  const data: EventList = { events: shown.map((row) => toEvent(row, language)), after: through, more: through < last };
  return ok(c, data);
}

/** A machine that is gone has its events still. */
async function vmIdOf(c: Context<AppEnv>, idOrName: string): Promise<string> {
  const view = await findVm(c.env.DB, ownerOf(c), idOrName);
  if (view) return view.vm.id;
  if (VmId.safeParse(idOrName).success && (await hasEvents(c.env.DB, ownerOf(c), idOrName))) return idOrName;
  throw vmNotFound(idOrName);
}
