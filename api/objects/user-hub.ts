/**
 * One object a user holds the user's sockets on `/ws`, and counts all that the user has, wherever they are held. A socket
 * that says only later whose it is has an object of its own, of this class too, and a place in the user's.
 *
 * Sockets hibernate: what must be known of them is with them, and the rest is in storage.
 */
import { DurableObject } from "cloudflare:workers";
import type { OperationView } from "../../db/operation-view.ts";
import { socketLimits } from "../../protocol/client-socket.ts";
import { streamTicketHeader } from "../../protocol/streams.ts";
import { app } from "../app.ts";
import type { Bearer } from "../auth.ts";
import type { Env } from "../env.ts";
import { ApiError } from "../errors.ts";
import { userHub } from "../hubs.ts";
import { hashSecret } from "../ids.ts";
import { refusal } from "./refusal.ts";
import type { Connection } from "./hub-connection.ts";
import type { Samples } from "./host-watch.ts";
import { Consoles } from "./hub-consoles.ts";
import { Control } from "./hub-control.ts";
import { closeOverdue, deadlinesOf, mustBeJudged } from "./hub-deadlines.ts";
import { Entrance, type SocketRequest, socketRequestHeader } from "./hub-entrance.ts";
import { Feed } from "./hub-feed.ts";
import { handleMessage, type Parsed, parseMessage } from "./hub-messages.ts";
import { type Place, Places } from "./hub-places.ts";
import { HubSamples } from "./hub-samples.ts";
import { HubSockets } from "./hub-sockets.ts";
import { Tickets } from "./hub-tickets.ts";
import { endExpired, tell, tellProgress } from "./hub-topics.ts";
import { Turns } from "./hub-turns.ts";
import { sendNextPieces } from "./hub-vm-states.ts";
import { RateWindow } from "./rate-window.ts";
import { wakeAt } from "./wake-at.ts";

const nameKey = "name";
const minuteMs = 60_000;
/** What a lost hint costs. */
const lookEveryMs = 30_000;
const retryMs = 2_000;

export class UserHub extends DurableObject<Env> {
  readonly #kv = this.ctx.storage.kv;
  readonly #sockets = new HubSockets(this.ctx);
  readonly #places = new Places(this.#kv, this.env);
  readonly #tickets = new Tickets(this.#kv);
  readonly #entrance = new Entrance(this.ctx, this.env, this.#places, this.#tickets);
  readonly #turns = new Turns();
  readonly #subscribes = new RateWindow(minuteMs);
  readonly #control = new Control(this.#kv, this.env, async (env, request) =>
    app.fetch(request, env, this.ctx as unknown as ExecutionContext),
  );
  readonly #feed = new Feed(this.env, this.#kv, {
    name: () => this.#name,
    connections: () => this.#sockets.known(),
    tell,
    sendOn: (connections) => sendNextPieces(this.env, connections),
    read: ({ operations }) => this.#control.ended(this.#sockets.known(), operations),
    expired: endExpired,
  });

  readonly #consoles = new Consoles(this.ctx, this.env, (id) => this.#sockets.find(id));

  readonly #samples = new HubSamples(this.env, this.#kv, {
    name: () => this.#name,
    connections: () => this.#sockets.known(),
  });

  /** What the handlers of messages may use. */
  readonly parts = {
    env: this.env,
    consoles: this.#consoles,
    name: () => this.#name,
    feed: this.#feed,
    control: this.#control,
    settleSamples: () => this.#inBackground(this.#samples.settle()),
    runFeed: () => this.#inBackground(this.#runFeed()),
    inBackground: (work: Promise<void>) => this.#inBackground(work),
    takeSubscribe: () => this.#takeSubscribe(),
  };

  /** Takes a client's socket, or a host's for a console of one's, or says why not. */
  override async fetch(request: Request): Promise<Response> {
    const hostId = request.headers.get("X-VoidVM-Host");
    if (hostId !== null) {
      const response = this.#consoles.takeHost(hostId, await hashSecret(request.headers.get(streamTicketHeader) ?? ""));
      await this.#schedule();
      return response;
    }
    const wanted = JSON.parse(request.headers.get(socketRequestHeader) ?? "") as SocketRequest;
    try {
      const response = await this.#entrance.take(wanted);
      this.#kv.put(nameKey, wanted.hub);
      await this.#schedule();
      return response;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.#giveBack();
      return refusal(error.code, error.message);
    }
  }

  /** Makes a ticket good. */
  async offerTicket(hash: string, bearer: Bearer, expiresAt: number): Promise<void> {
    this.#tickets.put(hash, { bearer, expiresAt });
    await this.#schedule();
  }

  /** A place for a socket that another object holds. False where the user has as many as they may have. */
  async enter(place: Place, limit: number): Promise<boolean> {
    const entered = await this.#entrance.withRoom(limit, place.id, () => this.#places.put(place));
    await this.#schedule();
    return entered;
  }

  async leave(id: string): Promise<void> {
    this.#places.remove(id);
    await this.#giveBack();
  }

  /** Whether a client's socket is here still. */
  isOpen(): boolean {
    return this.#sockets.all().length > 0;
  }

  /** There are new events. `hub` is this one's name, which it may have forgotten. */
  async look(hub: string): Promise<void> {
    if (this.#feed.isWanted) await this.#runFeed();
    else await this.#feed.unwatch(hub);
  }

  /** What a host has sampled. False: nobody here watches it any more. */
  samples(hostId: string, samples: Samples): Promise<boolean> {
    return this.#samples.take(hostId, samples);
  }

  progress(operation: OperationView): void {
    for (const connection of this.#sockets.known()) tellProgress(connection, operation);
  }

  /** Something of what the user may do has changed: what has no right any more ends. */
  async recheck(): Promise<void> {
    this.#entrance.rightsChanged();
    const connections = this.#sockets.known().map((connection) => this.#entrance.recheck(connection));
    const places = this.#places.all().map((place) => this.#entrance.recheckPlace(place));
    const failed = (await Promise.allSettled([...connections, ...places])).find(({ status }) => status === "rejected");
    await this.#samples.settle();
    for (const connection of this.#sockets.all()) {
      if (!connection.state.session?.may.includes("vm:console")) this.#consoles.endAll(connection);
    }
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  override async webSocketMessage(socket: WebSocket, text: string | ArrayBuffer): Promise<void> {
    if (this.#consoles.isHost(socket)) return this.#consoles.fromHost(socket, text);
    const connection = this.#sockets.of(socket);
    if (!connection.isOpen) return;
    const size = typeof text === "string" ? text.length : text.byteLength;
    if (size > socketLimits.maxMessageBytes) {
      return connection.close("tooLarge", `A message has at most ${socketLimits.maxMessageBytes} bytes`);
    }
    this.#consoles.clientLives(connection);
    const parsed = parseMessage(text);
    if (parsed.message?.type === "pong") {
      connection.answered(parsed.message.id);
      return this.#runFeed();
    }
    if (!connection.takesRequest()) return;
    const turn = this.#turns.take(connection.state.id, () => this.#handle(connection, parsed));
    if (!turn) return connection.close("tooMany", "Too many requests wait for their answers: send fewer at a time");
    await turn;
    await this.#schedule();
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    if (this.#consoles.isHost(socket)) this.#consoles.hostGone(socket);
    else await this.#gone(this.#sockets.of(socket));
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    if (this.#consoles.isHost(socket)) this.#consoles.hostGone(socket);
    else await this.#gone(this.#sockets.of(socket));
  }

  /** Ends what has had its time, and looks for what no hint came of. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    for (const connection of this.#sockets.all()) closeOverdue(connection, now);
    this.#tickets.purge(now);
    this.#consoles.expire(now);
    for (const connection of this.#sockets.known()) {
      if (!this.#control.waitsFor(connection.state.id)) this.#feed.rest(connection);
    }
    const unjudged = this.#sockets.known().filter((connection) => mustBeJudged(connection, now));
    const late = this.#places.all().filter(({ bearer }) => (bearer.expiresAt ?? Infinity) <= now);
    const looks = await Promise.allSettled([
      ...unjudged.map((connection) => this.#entrance.recheck(connection)),
      ...late.map((place) => this.#entrance.recheckPlace(place)),
      this.#control.look(this.#sockets.known(), now),
      this.#samples.settle(),
      this.#feed.isWanted ? this.#feed.watchAgain().then(() => this.#runFeed()) : this.#feed.unwatch(this.#name),
    ]);
    for (const look of looks) if (look.status === "rejected") logFailure(look.reason as Error);
    await this.#schedule();
    await this.#giveBack();
  }

  async #handle(connection: Connection, parsed: Parsed): Promise<void> {
    const { message } = parsed;
    if (!connection.state.session || message?.type === "auth") {
      return this.#entrance.greet(connection, this.#name, parsed);
    }
    if (!message) return connection.fail("INVALID_REQUEST_PARAMS", parsed.details, parsed);
    await handleMessage(this.parts, connection, message);
  }

  #takeSubscribe(): void {
    const { allowed, resetSeconds } = this.#subscribes.take(1, socketLimits.subscribesPerMinute, Date.now());
    if (allowed) return;
    const most = `${socketLimits.subscribesPerMinute} subscriptions a minute may be begun`;
    throw new ApiError("RATE_LIMITED", `${most}; wait ${resetSeconds} s`, { retryAfter: resetSeconds });
  }

  async #runFeed(): Promise<void> {
    try {
      await this.#feed.run();
      await this.#schedule();
    } catch (error) {
      logFailure(error as Error);
      await wakeAt(this.ctx.storage, Date.now() + retryMs);
    }
  }

  async #gone(connection: Connection): Promise<void> {
    const { id, session } = connection.state;
    this.#control.forget(id);
    connection.forget();
    this.#consoles.endAll(connection);
    await this.#samples.settle().catch(logFailure);
    const own = session && userHub(session.id);
    // Where this fails, the place is given up when it is needed.
    if (own && own !== this.#name)
      await this.env.USER_HUB.getByName(own)
        .leave(this.#name)
        .catch(() => {});
    if (!this.#feed.isWanted) await this.#feed.unwatch(this.#name).catch(logFailure);
    await this.#giveBack();
  }

  /** An object that keeps nothing gives its storage back: sockets that never said whose they are may be many. */
  async #giveBack(): Promise<void> {
    const now = Date.now();
    if (this.isOpen() || this.#places.all().length > 0 || this.#tickets.purge(now) !== null) return;
    await this.ctx.storage.deleteAll();
  }

  async #schedule(): Promise<void> {
    const now = Date.now();
    const times = [
      ...this.#sockets.all().flatMap(deadlinesOf),
      ...this.#places.all().map(({ bearer }) => bearer.expiresAt),
      this.#tickets.purge(now),
      ...this.#consoles.deadlines(),
      this.#feed.isWanted ? now + lookEveryMs : null,
    ].filter((time) => time !== null);
    if (times.length > 0) await wakeAt(this.ctx.storage, Math.max(Math.min(...times), now));
  }

  #inBackground(work: Promise<void>): void {
    this.ctx.waitUntil(work.catch(logFailure));
  }

  get #name(): string {
    return this.#kv.get<string>(nameKey) ?? "";
  }
}

function logFailure({ message, stack }: Error): void {
  console.error(JSON.stringify({ level: "error", source: "hub", message, stack }));
}
