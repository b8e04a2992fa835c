/** `/streams` and the routes of machines that lead there: raw bytes of consoles and of ports, over WebSockets. */
import { type Context, Hono } from "hono";
import * as z from "zod";
import { addToAudit } from "../audit.ts";
import { ok } from "../envelope.ts";
import type { AppEnv } from "../env.ts";
import { connectStream, offerStream, type Ticket, ticketUrl } from "../offer-stream.ts";
import { assertUpgrade } from "../upgrade.ts";
import { query } from "../validate.ts";

const ConsoleQuery = z.strictObject({ viewOnly: z.enum(["true", "false"]).default("false") });
const TicketQuery = z.strictObject({ port: z.coerce.number().int().min(1).max(65_535).default(22) });
const TunnelQuery = TicketQuery.extend({
  /** In place of the header, which pages can't send. */
  token: z.string().max(4_096).optional(),
});
const SpendQuery = z.strictObject({ ticket: z.string().max(128) });

/** Where a ticket is spent. Whoever has one was let in where it was made. */
export const streams = new Hono<AppEnv>().get("/:id", query(SpendQuery), (c) => {
  assertUpgrade(c);
  return connectStream(c, c.req.param("id"), c.req.valid("query").ticket);
});

/** Below `/vms`. */
export const vmStreams = new Hono<AppEnv>()
  .get("/:id/console/vnc", query(ConsoleQuery), async (c) => {
    const viewOnly = c.req.valid("query").viewOnly === "true";
    const targetOf = (vmId: string) => ({ kind: "vnc" as const, vmId, viewOnly });
    return told(c, await offerStream(c, c.req.param("id"), "vm:console", targetOf));
  })
  .get("/:id/console/serial", query(ConsoleQuery), async (c) => {
    const write = c.req.valid("query").viewOnly === "true" ? "never" : "if-free";
    const targetOf = (vmId: string) => ({ kind: "serial" as const, vmId, write }) as const;
    return told(c, await offerStream(c, c.req.param("id"), "vm:console", targetOf));
  })
  .get("/:id/tunnel/ticket", query(TicketQuery), async (c) =>
    told(c, await offerTunnel(c, c.req.param("id"), c.req.valid("query").port)),
  )
  .get("/:id/tunnel", query(TunnelQuery), async (c) => {
    assertUpgrade(c);
    const { streamId, secret } = await offerTunnel(c, c.req.param("id"), c.req.valid("query").port);
    return connectStream(c, streamId, secret);
  });

function offerTunnel(c: Context<AppEnv>, idOrName: string, port: number): Promise<Ticket> {
  addToAudit(c, `port=${port}`);
  return offerStream(c, idOrName, "vm:tunnel", (vmId) => ({ kind: "tcp", vmId, port }));
}

function told(c: Context<AppEnv>, ticket: Ticket): Response {
  return ok(c, { url: ticketUrl(c, ticket), expiresAt: new Date(ticket.expiresAt).toISOString() });
}
