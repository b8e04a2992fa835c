/**
 * The consoles inside a hub's connections: screens and terminals as JSON. The hub is the object that their hosts dial.
 *
 * What must be known of a console is in storage and with its host's socket, so it survives the object's eviction; the
 * credentials of a login are in neither: they go to the host in the order, and nowhere else.
 */
import { socketCloseCodes, socketLimits } from "../../protocol/client-socket.ts";
import { type StreamControl, streamLimits, type StreamTarget } from "../../protocol/streams.ts";
import type { Env } from "../env.ts";
import { ApiError } from "../errors.ts";
import { hashSecret, newId, newSecret } from "../ids.ts";
import { runningVm } from "../running-vm.ts";
import { ConsoleClient } from "./console-client.ts";
import type { Connection, Session } from "./hub-connection.ts";
import { type Console, ConsoleTable } from "./hub-console-table.ts";
import { refusal } from "./refusal.ts";
import { Relay, relayState } from "./relay.ts";
import { closingOf, orderlyEnd, type StreamClosing } from "./stream-closing.ts";

export interface ConsoleWish {
  readonly called: string;
  readonly viewOnly: boolean;
  readonly requestId: string | null;
  readonly kind: Console["kind"];
  readonly targetOf: (vmId: string) => StreamTarget;
}

const hostTag = "host";
const forbidden: StreamClosing = {
  ...{ code: "FORBIDDEN", message: "The right to this console has ended" },
  closeCode: socketCloseCodes.unauthenticated,
};

export class Consoles {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #connectionOf: (id: string) => Connection | undefined;
  readonly #table: ConsoleTable;

  constructor(ctx: DurableObjectState, env: Env, connectionOf: (id: string) => Connection | undefined) {
    this.#ctx = ctx;
    this.#env = env;
    this.#connectionOf = connectionOf;
    this.#table = new ConsoleTable(ctx.storage.kv);
  }

  /** Asks the host for it; whether it came to be, the connection is told. Errors: those of `runningVm`, CONSOLE_OPEN, TOO_MANY_STREAMS. */
  async connect(hub: string, connection: Connection, wish: ConsoleWish): Promise<void> {
    const { called, viewOnly, requestId, kind, targetOf } = wish;
    const { vmId, hostId } = await runningVm(this.#env.DB, connection.state.session as Session, called);
    const present = this.#of(connection);
    if (present.some((one) => one.vmId === vmId && isTerminal(one) === isTerminal(wish))) {
      throw new ApiError("CONSOLE_OPEN", "This connection has this console already: close it, or wait for its answer");
    }
    if (present.length >= socketLimits.maxStreams) {
      throw new ApiError("TOO_MANY_STREAMS", `A connection has at most ${socketLimits.maxStreams} consoles`);
    }
    const [streamId, secret] = [newId("stream"), newSecret()];
    this.#table.put({
      ...{ streamId, connectionId: connection.state.id, hostId, vmId, called, kind, viewOnly, requestId },
      ...{ ticketHash: await hashSecret(secret), dialledBy: Date.now() + streamLimits.dialMs, opened: false, rest: [] },
    });
    const order = { streamId, ticket: `${hub}.${secret}`, target: targetOf(vmId) };
    let sent: string = "offline";
    try {
      sent = await this.#env.HOST_LINK.getByName(hostId).openStream(order);
    } finally {
      if (sent !== "sent") this.#table.forget(streamId);
    }
    if (sent !== "sent") {
      throw new ApiError(
        "HOST_OFFLINE",
        sent === "offline" ? "The host is not connected" : "Its agent is too old for this",
      );
    }
  }

  /** Takes the host's socket. The Worker has verified whose key it is. */
  takeHost(hostId: string, ticketHash: string): Response {
    const console = this.#table.all().find((one) => one.ticketHash === ticketHash && one.hostId === hostId);
    const connection = console && this.#connectionOf(console.connectionId);
    if (!console || !connection || Date.now() >= console.dialledBy)
      return refusal("STREAM_NOT_FOUND", "Nobody waits for this");
    const { 0: outer, 1: host } = new WebSocketPair();
    this.#ctx.acceptWebSocket(host, [hostTag, console.streamId]);
    const joined = { ...console, ticketHash: null };
    this.#table.put(joined);
    Relay.begin(host, this.#client(connection, joined), { streamId: console.streamId, aware: false });
    return new Response(null, { status: 101, webSocket: outer });
  }

  /** Whether the socket is a host's, and not a client's. */
  isHost(socket: WebSocket): boolean {
    return this.#ctx.getTags(socket).includes(hostTag);
  }

  fromHost(socket: WebSocket, message: ArrayBuffer | string): void {
    const console = this.#behind(socket);
    const connection = console && this.#connectionOf(console.connectionId);
    // What is still on its way when the client has gone.
    if (!console || !connection) return socket.close(1000);
    const asks = () => Math.floor((relayState(socket)?.unseen ?? 0) / socketLimits.window.askBytes);
    const before = asks();
    new Relay(socket, this.#client(connection, console)).fromHost(message);
    if (asks() > before) connection.ask();
    if (!console.opened && relayState(socket)?.opened) this.#table.change(console.streamId, { opened: true });
  }

  hostGone(socket: WebSocket): void {
    const console = this.#behind(socket);
    if (console) this.#end(console, closingOf("STREAM_LOST", "The host's connection was lost"));
  }

  bytes(connection: Connection, called: string, wish: "screen" | "terminal", data: Uint8Array): void {
    this.#opened(connection, called, wish).fromClient(data.slice().buffer as ArrayBuffer);
  }

  control(connection: Connection, called: string, wish: "screen" | "terminal", message: StreamControl): void {
    this.#opened(connection, called, wish).controlFromClient(message);
  }

  /** Ends it as its client wants. Errors: STREAM_NOT_FOUND. */
  close(connection: Connection, called: string, wish: "screen" | "terminal", id: string | undefined): void {
    this.#end(this.#find(connection, called, wish), orderlyEnd, id);
  }

  /** Something came from the connection, so it reads what its consoles say. */
  clientLives(connection: Connection): void {
    if (this.#ctx.getWebSockets(hostTag).length === 0) return;
    for (const console of this.#of(connection)) {
      const host = this.#host(console);
      if (host) new Relay(host, this.#client(connection, console)).clientLives();
    }
  }

  /** The connection has gone, or has lost the right to consoles. */
  endAll(connection: Connection): void {
    for (const console of this.#of(connection)) this.#end(console, connection.isOpen ? forbidden : orderlyEnd);
  }

  /** Ends what no host came for, what has fallen silent, and what lost a socket to a restart of the runtime. */
  expire(now: number): void {
    for (const console of this.#table.all()) {
      const host = this.#host(console);
      if (!this.#connectionOf(console.connectionId)) this.#end(console, orderlyEnd);
      else if (console.ticketHash === null && !host)
        this.#end(console, closingOf("STREAM_LOST", "The connection was lost"));
      else if ((this.#deadline(console) ?? Infinity) > now) continue;
      else if (host)
        this.#end(console, closingOf("STREAM_IDLE", `Nothing was said for ${streamLimits.idleMs / 60_000} minutes`));
      else this.#end(console, closingOf("HOST_OFFLINE", `The host did not dial in ${streamLimits.dialMs / 1000} s`));
    }
  }

  /** When something must be looked at, in ms since 1970. */
  deadlines(): number[] {
    return this.#table
      .all()
      .map((console) => this.#deadline(console))
      .filter((time) => time !== null);
  }

  #deadline(console: Console): number | null {
    if (console.ticketHash !== null) return console.dialledBy;
    const host = this.#host(console);
    const state = host && relayState(host);
    return state && state.lastAt + streamLimits.idleMs;
  }

  /** Errors: STREAM_NOT_FOUND. */
  #opened(connection: Connection, called: string, wish: "screen" | "terminal"): Relay {
    const console = this.#find(connection, called, wish);
    const host = this.#host(console);
    if (!host || !console.opened) throw noConsole(wish);
    return new Relay(host, this.#client(connection, console));
  }

  #find(connection: Connection, called: string, wish: "screen" | "terminal"): Console {
    const found = this.#of(connection).find(
      (one) => (one.vmId === called || one.called === called) && isTerminal(one) === (wish === "terminal"),
    );
    if (!found) throw noConsole(wish);
    return found;
  }

  #end(console: Console, closing: StreamClosing, answerTo?: string): void {
    const connection = this.#connectionOf(console.connectionId);
    const host = this.#host(console);
    this.#table.forget(console.streamId);
    if (!connection) return host?.close(1000);
    const client = this.#client(connection, console);
    client.answerTo = answerTo;
    if (host) new Relay(host, client).end(closing);
    else client.closed(closing);
  }

  #client(connection: Connection, console: Console): ConsoleClient {
    return new ConsoleClient(connection, console, {
      keep: (rest) => this.#table.change(console.streamId, { rest }),
      closed: () => this.#table.forget(console.streamId),
    });
  }

  /** Of a host's socket. */
  #behind(socket: WebSocket): Console | undefined {
    return this.#table.get(relayState(socket)?.streamId ?? "");
  }

  #host({ streamId }: Console): WebSocket | null {
    return this.#ctx.getWebSockets(streamId)[0] ?? null;
  }

  #of({ state }: Connection): Console[] {
    return this.#table.all().filter(({ connectionId }) => connectionId === state.id);
  }
}

function isTerminal({ kind }: Pick<Console, "kind">): boolean {
  return kind !== "vnc";
}

function noConsole(wish: "screen" | "terminal"): ApiError {
  const type = wish === "screen" ? "vnc" : "terminal";
  return new ApiError("STREAM_NOT_FOUND", `Send '${type}-connect' for this machine and wait for '${type}-connected'`);
}
