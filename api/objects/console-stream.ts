/**
 * One object a stream: it pairs a client's own WebSocket with the one that the host dials for it.
 *
 * Each socket is let in by a ticket that is good once, of which only the hash is kept. Both sockets hibernate, and when
 * one of them has gone, so does the other.
 */
import { DurableObject } from "cloudflare:workers";
import type { Permission } from "../../protocol/permissions.ts";
import { type StreamTarget, streamLimits, streamTicketHeader } from "../../protocol/streams.ts";
import type { Env } from "../env.ts";
import { hashSecret, newSecret } from "../ids.ts";
import { PendingMessages } from "./pending-messages.ts";
import { chooseProtocol, RawClient } from "./raw-client.ts";
import { close, parseControl, Relay, relayState } from "./relay.ts";
import { refusal } from "./refusal.ts";
import { closingOf, orderlyEnd, type StreamClosing } from "./stream-closing.ts";
import { enterStream, leaveStream } from "./stream-places.ts";
import type { Credential } from "./user-sessions.ts";

/** A login's credentials must not be stored, so a login is no stream of this kind. */
export type RawTarget = Exclude<StreamTarget, { kind: "ssh" }>;

/** What a ticket is for, and whose it is. */
export interface StreamOffer {
  readonly streamId: string;
  readonly hostId: string;
  readonly target: RawTarget;
  readonly userId: string;
  readonly credential: Credential;
  readonly permission: Permission;
  readonly ticketHash: string;
  /** ms since 1970. */
  readonly expiresAt: number;
}

interface Stream extends StreamOffer {
  readonly state: "offered" | "waiting" | "joined" | "over";
  readonly hostTicketHash: string | null;
  /** Waiting: the host has dialled by then. Offered, over: then it is forgotten. In ms since 1970. */
  readonly until: number;
}

interface HostTicket {
  readonly secret: string;
  readonly hash: string;
}

/** For so long a ticket that was spent is told from one that never was. */
const rememberMs = 60_000;
const key = "stream";

export class ConsoleStream extends DurableObject<Env> {
  readonly #pending = new PendingMessages(this.ctx.storage.sql);

  /** Makes a ticket good. */
  async offer(offer: StreamOffer): Promise<void> {
    await this.#store({ ...offer, state: "offered", hostTicketHash: null, until: offer.expiresAt + rememberMs });
  }

  /** Whether it takes a place among its user's connections: its client is here, or is just being let in. */
  isOpen(): boolean {
    const state = this.#stream()?.state;
    return state === "waiting" || state === "joined" || this.#socket("client") !== null;
  }

  /** Ends it, whoever uses it still: the right to it has ended. */
  async end(closing: StreamClosing): Promise<void> {
    const [host, client] = [this.#socket("host"), this.#socket("client")];
    if (host) close(host, 1000, closing.code ?? "");
    if (client) new RawClient(client).closed(closing);
    await this.#over();
  }

  /** Takes a socket of either side. The Worker has verified whose key a host's is. */
  override async fetch(request: Request): Promise<Response> {
    const ticketHash = await hashSecret(request.headers.get(streamTicketHeader) ?? "");
    const hostId = request.headers.get("X-VoidVM-Host");
    if (hostId !== null) return this.#takeHost(hostId, ticketHash);
    const secret = newSecret();
    const hostTicket = { secret, hash: await hashSecret(secret) };
    return this.#takeClient(ticketHash, hostTicket, request.headers.get("Sec-WebSocket-Protocol"));
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void | Promise<void> {
    // One that has said goodbye is no more among the object's sockets, while what it said before still comes here.
    if (!relayState(socket)) return this.#fromClient(socket, message);
    const client = this.#socket("client");
    if (client) new Relay(socket, new RawClient(client)).fromHost(message);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    await this.#gone(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#gone(socket);
  }

  /** Looks for a host that didn't come, for silence, and for what may be forgotten. */
  override async alarm(): Promise<void> {
    const stream = this.#stream();
    const now = Date.now();
    const [host, client] = [this.#socket("host"), this.#socket("client")];
    if (!stream || (now >= stream.until && (stream.state === "offered" || (stream.state === "over" && !client)))) {
      return this.ctx.storage.deleteAll();
    }
    switch (stream.state) {
      case "offered":
      case "over":
        return this.ctx.storage.setAlarm(Math.max(stream.until, now + rememberMs));
      case "waiting":
        return this.end(closingOf("HOST_OFFLINE", `The host did not dial in ${streamLimits.dialMs / 1000} s`));
      case "joined": {
        // A restart of the runtime takes the sockets with it.
        if (!host || !client) return this.end(closingOf("STREAM_LOST", "The connection was lost"));
        const idleAt = (relayState(host)?.lastAt ?? 0) + streamLimits.idleMs;
        if (idleAt > now) return this.ctx.storage.setAlarm(idleAt);
        return this.end(closingOf("STREAM_IDLE", `Nothing was said for ${streamLimits.idleMs / 60_000} minutes`));
      }
    }
  }

  async #takeClient(ticketHash: string, hostTicket: HostTicket, offered: string | null): Promise<Response> {
    // Nothing is awaited from here until the ticket is spent, or it would open two.
    const stream = this.#stream();
    const isKnown = stream && stream.ticketHash === ticketHash;
    if (!isKnown) return refusal("STREAM_NOT_FOUND", "There is no such ticket");
    if (stream.state !== "offered") return refusal("TICKET_SPENT", "A ticket opens one connection: ask for another");
    if (Date.now() >= stream.expiresAt) return refusal("STREAM_NOT_FOUND", "The ticket has expired: ask for another");
    const until = Date.now() + streamLimits.dialMs;
    await this.#store({ ...stream, state: "waiting", hostTicketHash: hostTicket.hash, until });

    const protocol = chooseProtocol(offered);
    const { 0: outer, 1: client } = new WebSocketPair();
    const place = await enterStream(this.env, stream);
    if (place !== "entered") {
      await this.#over();
      return place === "too-many"
        ? refusal("TOO_MANY_CONNECTIONS", "You have as many connections as you may have: close one")
        : refusal("UNAUTHENTICATED", "The right to this connection has ended");
    }
    this.ctx.acceptWebSocket(client, ["client"]);
    RawClient.begin(client, protocol);
    const { streamId, hostId, target } = stream;
    const order = { streamId, ticket: `${streamId}.${hostTicket.secret}`, target };
    const sent = await this.env.HOST_LINK.getByName(hostId).openStream(order);
    if (sent !== "sent") {
      await this.end(orderlyEnd);
      await leaveStream(this.env, stream);
      return refusal(
        "HOST_OFFLINE",
        sent === "offline" ? "The host is not connected" : "Its agent is too old for this",
      );
    }
    return new Response(null, {
      status: 101,
      webSocket: outer,
      headers: protocol === null ? {} : { "Sec-WebSocket-Protocol": protocol },
    });
  }

  async #takeHost(hostId: string, ticketHash: string): Promise<Response> {
    const stream = this.#stream();
    const client = this.#socket("client");
    const isExpected = stream?.hostId === hostId && stream.hostTicketHash === ticketHash && Date.now() < stream.until;
    if (!isExpected || stream.state !== "waiting" || !client)
      return refusal("STREAM_NOT_FOUND", "Nobody waits for this");
    const { 0: outer, 1: host } = new WebSocketPair();
    this.ctx.acceptWebSocket(host, ["host"]);
    const raw = new RawClient(client);
    const relay = Relay.begin(host, raw, { streamId: stream.streamId, aware: raw.aware });
    for (const message of this.#pending.take()) hand(relay, raw, message);
    this.ctx.storage.kv.put<Stream>(key, { ...stream, state: "joined", hostTicketHash: null });
    await this.ctx.storage.setAlarm(Date.now() + streamLimits.idleMs);
    return new Response(null, { status: 101, webSocket: outer });
  }

  #fromClient(client: WebSocket, message: string | ArrayBuffer): void | Promise<void> {
    const host = this.#socket("host");
    const raw = new RawClient(client);
    if (host) return hand(new Relay(host, raw), raw, message);
    if (this.#stream()?.state !== "waiting" || this.#pending.add(message)) return;
    return this.end(closingOf("READER_TOO_SLOW", "The host is not there yet"));
  }

  async #gone(socket: WebSocket): Promise<void> {
    // The other half of its goodbye.
    close(socket, 1000, "");
    const isClient = relayState(socket) === null;
    await this.end(isClient ? orderlyEnd : closingOf("STREAM_LOST", "The host's connection was lost"));
    // A reader that doesn't even take the end still costs memory: its place is free once its socket is gone.
    const stream = this.#stream();
    if (isClient && stream) await leaveStream(this.env, stream);
  }

  async #over(): Promise<void> {
    const stream = this.#stream();
    if (!stream || stream.state === "over") return;
    this.#pending.take();
    await this.#store({ ...stream, state: "over", hostTicketHash: null, until: Date.now() + rememberMs });
  }

  #stream(): Stream | null {
    return this.ctx.storage.kv.get<Stream>(key) ?? null;
  }

  async #store(stream: Stream): Promise<void> {
    this.ctx.storage.kv.put(key, stream);
    await this.ctx.storage.setAlarm(stream.until);
  }

  #socket(side: "client" | "host"): WebSocket | null {
    return this.ctx.getWebSockets(side)[0] ?? null;
  }
}

/** Text is a control of a client that is aware, and bytes of any other: xterm.js sends what is typed as text. */
function hand(relay: Relay, { aware }: RawClient, message: string | ArrayBuffer): void {
  if (typeof message !== "string") return relay.fromClient(message);
  if (!aware) return relay.fromClient(new TextEncoder().encode(message).buffer as ArrayBuffer);
  const control = parseControl(message);
  if (control) relay.controlFromClient(control);
  else relay.end(closingOf("STREAM_MALFORMED", "Text must be a message of the protocol"));
}
