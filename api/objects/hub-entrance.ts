/**
 * Who comes into a hub and who must go: each socket is judged by the user's rights, and no user has more sockets at a
 * time than they may, wherever those are held.
 *
 * Rights may end while somebody is being let in. So what was judged before they changed is judged again.
 */
import { socketLimits } from "../../protocol/client-socket.ts";
import { isAllowed } from "../../protocol/permissions.ts";
import { type Bearer, bearerOf } from "../auth.ts";
import type { Env } from "../env.ts";
import { ApiError } from "../errors.ts";
import { userHub } from "../hubs.ts";
import type { Language } from "../language.ts";
import { Connection, type ConnectionLimits, type Session } from "./hub-connection.ts";
import type { Parsed } from "./hub-messages.ts";
import type { Place, Places } from "./hub-places.ts";
import { bearerOfSession, enteredSession, presentSession, presentVerdict } from "./hub-session.ts";
import type { Tickets } from "./hub-tickets.ts";
import { topics } from "./hub-topics.ts";

/** What the Worker says of an upgrade. */
export interface SocketRequest {
  readonly hub: string;
  readonly language: Language;
  readonly address: string | null;
  readonly limits: ConnectionLimits;
  /** Null: the first message will tell. */
  readonly from: { readonly bearer: Bearer } | { readonly ticketHash: string } | null;
}

/** In which the Worker says it. */
export const socketRequestHeader = "X-VoidVM-Socket";
export const clientTag = "client";

export class Entrance {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #places: Places;
  readonly #tickets: Tickets;
  /** Rises when rights may have changed. */
  #generation = 0;

  constructor(ctx: DurableObjectState, env: Env, places: Places, tickets: Tickets) {
    this.#ctx = ctx;
    this.#env = env;
    this.#places = places;
    this.#tickets = tickets;
  }

  /** Errors: UNAUTHENTICATED, TOKEN_EXPIRED, RATE_LIMITED, TOO_MANY_CONNECTIONS. */
  async take(request: SocketRequest): Promise<Response> {
    const { from, limits } = request;
    if (from === null) return this.#accept(request, null);
    const bearer = "bearer" in from ? from.bearer : this.#tickets.spend(from.ticketHash, Date.now());
    if (!bearer) throw new ApiError("UNAUTHENTICATED", "The ticket is spent, late or none: ask for another");
    let response: Response | null = null;
    await this.#judge(bearer, limits, async (session, isStill) => {
      const accept = () => (response = isStill() ? this.#accept(request, session) : null);
      if (!(await this.withRoom(limits.webSocketsPerUser, null, accept))) throw tooMany(limits);
    });
    return response as unknown as Response;
  }

  /** The first message of a connection that has not said who it is, and any later `auth`. */
  async greet(connection: Connection, hub: string, parsed: Parsed): Promise<void> {
    const { message } = parsed;
    if (!message) {
      connection.fail("INVALID_REQUEST_PARAMS", parsed.details, parsed);
      return connection.close("malformed", "The first message was none: it says who you are");
    }
    if (message.type !== "auth") {
      const details = "The first message is {type: 'auth', data: {token}}";
      connection.fail("UNAUTHENTICATED", details, { id: message.id });
      return connection.close("unauthenticated", details);
    }
    const { id } = message;
    try {
      const session = await this.#authenticated(connection, hub, message.data.token);
      const data = { status: "success" as const, userId: session.id, username: session.name };
      connection.send({ type: "auth", data, ...(id === undefined ? {} : { id }) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      connection.fail(error.code, error.message, { id });
      const isTooMany = error.code === "TOO_MANY_CONNECTIONS" || error.code === "RATE_LIMITED";
      connection.close(isTooMany ? "tooMany" : "unauthenticated", error.message);
    }
  }

  /** Does `use` if there is room for one more, or `id` has its place already; true where it was done. */
  async withRoom(limit: number, id: string | null, use: () => void): Promise<boolean> {
    for (const isLast of [false, true]) {
      const here = this.#ctx.getWebSockets(clientTag).length;
      if ((id !== null && this.#places.has(id)) || here + this.#places.all().length < limit) {
        use();
        return true;
      }
      if (!isLast) await this.#places.forgetGone();
    }
    return false;
  }

  /** Before what is there is judged anew. */
  rightsChanged(): void {
    this.#generation++;
  }

  /** Takes away what the connection has no right to any more. */
  async recheck(connection: Connection): Promise<void> {
    const { session: before } = connection.state;
    if (!before) return;
    const session = await orRefused(presentSession(this.#env, bearerOfSession(before)));
    if (session instanceof ApiError) return connection.close("unauthenticated", session.message);
    if (session.seesAll !== before.seesAll) {
      return connection.close("unauthenticated", "Your role has changed: connect again");
    }
    const { subscriptions, cursors } = connection.state;
    const isLost = ({ topic }: { topic: keyof typeof topics }) =>
      !session.may.includes(topics[topic]?.permission ?? "vm:read");
    const lost = subscriptions.filter(isLost);
    const events = lost.some(({ topic }) => topic === "events") ? null : cursors.events;
    const kept = subscriptions.filter((one) => !isLost(one));
    connection.update({ session, subscriptions: kept, cursors: { ...cursors, events } });
    for (const { topic, vmId } of lost) {
      const about = vmId === undefined ? {} : { vmId };
      connection.fail("FORBIDDEN", `The right to '${topic}' has ended, and so has the subscription`, about);
    }
  }

  async recheckPlace(place: Place): Promise<void> {
    const { kind, bearer, permission } = place;
    if (kind === "hub") return this.#places.end(place, "");
    const verdict = await presentVerdict(this.#env, bearer);
    const isLate = bearer.expiresAt !== null && bearer.expiresAt <= Date.now();
    const mayStay = verdict.caller && !isLate && (permission === null || isAllowed(verdict.caller, permission));
    if (!mayStay) await this.#places.end(place, "The right to this connection has ended");
  }

  async #authenticated(connection: Connection, hub: string, token: string): Promise<Session> {
    const bearer = await bearerOf(this.#env.VOIDVM_JWT_KEYS, token);
    const { session: before, limits } = connection.state;
    if (before && before.id !== bearer.userId) {
      throw new ApiError("UNAUTHENTICATED", "This connection is another user's: open one of your own");
    }
    const own = userHub(bearer.userId);
    return this.#judge(bearer, limits, async (session, isStill) => {
      if (hub === own) return isStill() ? connection.update({ session }) : undefined;
      const counting = this.#env.USER_HUB.getByName(own);
      const place: Place = { id: hub, kind: "hub", bearer, permission: null };
      if (!(await counting.enter(place, limits.webSocketsPerUser))) throw tooMany(limits);
      // Whoever ends a right tells those that have a place. What ended before, only a look from now on can tell.
      const present = await orRefused(presentSession(this.#env, bearer));
      if (!(present instanceof ApiError)) return isStill() ? connection.update({ session: present }) : undefined;
      await counting.leave(hub);
      throw present;
    });
  }

  /** Judges until nothing has changed between the judgement and what was done by it. */
  async #judge(
    bearer: Bearer,
    { requestsPerMinute }: ConnectionLimits,
    act: (session: Session, isStill: () => boolean) => Promise<void>,
  ): Promise<Session> {
    let generation = this.#generation;
    let session = await enteredSession(this.#env, bearer, requestsPerMinute);
    for (;;) {
      const judgedAs = generation;
      await act(session, () => judgedAs === this.#generation);
      if (judgedAs === this.#generation) return session;
      generation = this.#generation;
      session = await presentSession(this.#env, bearer);
    }
  }

  #accept({ language, address, limits }: SocketRequest, session: Session | null): Response {
    const { 0: outer, 1: inner } = new WebSocketPair();
    this.#ctx.acceptWebSocket(inner, [clientTag]);
    Connection.begin(inner, this.#ctx.storage.kv, { language, address, limits, session });
    return new Response(null, { status: 101, webSocket: outer });
  }
}

/** When a connection must have said who it is, in ms since 1970. */
export function authDeadline({ state }: Connection): number {
  return state.openedAt + socketLimits.authMs;
}

function tooMany({ webSocketsPerUser }: ConnectionLimits): ApiError {
  return new ApiError("TOO_MANY_CONNECTIONS", `You have ${webSocketsPerUser} connections at most: close one`);
}

async function orRefused<T>(work: Promise<T>): Promise<T | ApiError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
