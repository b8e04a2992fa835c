/** `/ws`: where clients open their sockets. Who they are stands in the address or a header, or in the first message. */
import { type Context, Hono } from "hono";
import * as z from "zod";
import { errorTable } from "../../protocol/errors.ts";
import { credentialOf } from "../auth.ts";
import { currentConfig } from "../config.ts";
import type { AppEnv } from "../env.ts";
import { ApiError } from "../errors.ts";
import { newSocketHub, userHub } from "../hubs.ts";
import { hashSecret } from "../ids.ts";
import { languageOf } from "../language.ts";
import { admitAddress, clientAddress } from "../limits.ts";
import { type SocketRequest, socketRequestHeader } from "../objects/hub-entrance.ts";
import { upgraded } from "../offer-stream.ts";
import { parseSocketTicket } from "../socket-tickets.ts";
import { assertUpgrade } from "../upgrade.ts";
import { query } from "../validate.ts";

const SocketQuery = z.strictObject({
  token: z.string().max(4_096).optional(),
  ticket: z.string().max(128).optional(),
  // A standard WebSocket can't set `Accept-Language`.
  language: z.string().max(100).optional(),
});

export const ws = new Hono<AppEnv>().get("/", query(SocketQuery), async (c) => {
  assertUpgrade(c);
  try {
    return await connect(c, await callerOf(c, c.req.valid("query").ticket));
  } catch (error) {
    // Who has not shown who they are is limited by address.
    if (error instanceof ApiError && errorTable[error.code].status === 401) await admitAddress(c);
    throw error;
  }
});

async function callerOf(c: Context<AppEnv>, ticket: string | undefined): Promise<Pick<SocketRequest, "hub" | "from">> {
  if (ticket !== undefined) {
    const { userId } = parseSocketTicket(ticket);
    return { hub: userHub(userId), from: { ticketHash: await hashSecret(ticket) } };
  }
  if (c.req.query("token") === undefined && c.req.header("Authorization") === undefined) {
    await admitAddress(c);
    return { hub: newSocketHub(), from: null };
  }
  const bearer = await credentialOf(c);
  return { hub: userHub(bearer.userId), from: { bearer } };
}

async function connect(c: Context<AppEnv>, { hub, from }: Pick<SocketRequest, "hub" | "from">): Promise<Response> {
  const { webSocketsPerUser, requestsPerMinute } = (await currentConfig(c)).limits;
  const limits = { webSocketsPerUser, requestsPerMinute };
  const language = languageOf(c, c.req.query("language"));
  const request: SocketRequest = { hub, from, language, address: clientAddress(c), limits };
  const headers = { Upgrade: "websocket", [socketRequestHeader]: JSON.stringify(request) };
  return upgraded(await c.env.USER_HUB.getByName(hub).fetch("https://hub/", { headers }));
}
