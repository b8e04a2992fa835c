/**
 * One client's socket on `/ws`, and all that must be known of it. It hibernates, so that is in its attachment, where a
 * change is written before the object's turn ends; but for the subscriptions, of which an attachment can't hold all.
 */
import { type ServerMessage, socketCloseCodes, socketLimits, type Topic } from "../../protocol/client-socket.ts";
import { type ErrorCode, errorTable } from "../../protocol/errors.ts";
import type { Permission } from "../../protocol/permissions.ts";
import type { Owner } from "../../db/vms.ts";
import type { Language } from "../language.ts";
import type { Piece } from "./hub-vm-states.ts";
import { afterAnswer, afterSending, emptyWindow, isFull, mustAsk, type WindowState } from "./hub-window.ts";
import type { Credential } from "./user-sessions.ts";

/** Who a connection is, with what they may do now. */
export interface Session extends Owner {
  readonly name: string;
  readonly credential: Credential;
  /** ms since 1970; null: never. */
  readonly expiresAt: number | null;
  /** Of what connections need. */
  readonly may: readonly Permission[];
  /** ms since 1970. */
  readonly judgedAt: number;
}

export interface Subscription {
  readonly topic: Topic["topic"];
  /** Of a machine's: its id. */
  readonly vmId?: string;
  /** Of samples: the host that takes them; of all of them where there is none. */
  readonly hostId?: string;
  /** Of samples, in ms. */
  readonly interval?: number;
  /** As it was called when this began: a client may call it so. */
  readonly name?: string;
  /** The last event that was in the state with which it began. */
  readonly since: number;
  /** Of all machines: what of that state has been told. */
  readonly pieces?: readonly Piece[];
}

interface Attachment {
  readonly id: string;
  /** ms since 1970. */
  readonly openedAt: number;
  readonly language: Language;
  /** For the audit trail. */
  readonly address: string | null;
  readonly limits: ConnectionLimits;
  /** Null: has not said who it is. */
  readonly session: Session | null;
  readonly subscriptions: readonly Subscription[];
  /** Up to which event it was told what it subscribed to; null: it waits for none. `events` has its own pace. */
  readonly cursors: { readonly state: number | null; readonly events: number | null };
  readonly window: WindowState;
}

/** Of the configuration, as they were when the socket was opened. */
export interface ConnectionLimits {
  readonly webSocketsPerUser: number;
  readonly requestsPerMinute: number;
}

export type Cursor = keyof Attachment["cursors"];
type Outgoing = ServerMessage extends infer M ? (M extends ServerMessage ? Omit<M, "timestamp"> : never) : never;

/** How many requests a client may make that doesn't read the answers. */
const mostLate = 1_000;
const prefix = "subscriptions:";
const known = new WeakMap<WebSocket, Connection>();

export class Connection {
  readonly #socket: WebSocket;
  readonly #kv: SyncKvStorage;
  #state: Attachment;
  #isSaved = true;

  private constructor(socket: WebSocket, kv: SyncKvStorage, state: Attachment) {
    this.#socket = socket;
    this.#kv = kv;
    this.#state = state;
    known.set(socket, this);
  }

  static begin(
    socket: WebSocket,
    kv: SyncKvStorage,
    { language, address, limits, session }: Pick<Attachment, "language" | "address" | "limits" | "session">,
  ): Connection {
    const connection = new Connection(socket, kv, {
      ...{ id: crypto.randomUUID(), openedAt: Date.now(), language, address, limits, session },
      ...{ subscriptions: [], cursors: { state: null, events: null }, window: emptyWindow },
    });
    connection.update({});
    return connection;
  }

  static of(socket: WebSocket, kv: SyncKvStorage): Connection {
    const found = known.get(socket);
    if (found) return found;
    const attached = socket.deserializeAttachment() as Omit<Attachment, "subscriptions">;
    const subscriptions = kv.get<Subscription[]>(`${prefix}${attached.id}`) ?? [];
    return new Connection(socket, kv, { ...attached, subscriptions });
  }

  get state(): Attachment {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Nothing more of its subscriptions may go out. */
  get isFull(): boolean {
    return isFull(this.#state.window);
  }

  update(values: Partial<Omit<Attachment, "id" | "openedAt">>): void {
    this.#state = { ...this.#state, ...values };
    if (values.subscriptions) this.#kv.put(`${prefix}${this.#state.id}`, values.subscriptions);
    if (!this.#isSaved) return;
    this.#isSaved = false;
    queueMicrotask(() => {
      this.#isSaved = true;
      const { subscriptions: _, ...attached } = this.#state;
      this.#socket.serializeAttachment(attached);
    });
  }

  /** Wants a sign of life: whoever reads so far answers. */
  ask(id: string = crypto.randomUUID()): void {
    this.#write({ type: "ping", data: {}, id });
  }

  /** The socket is gone. */
  forget(): void {
    this.#kv.delete(`${prefix}${this.#state.id}`);
  }

  /** Bytes of a console, which counts them by itself. */
  sendOfStream(message: Outgoing): void {
    this.#write(message);
  }

  send(message: Outgoing): void {
    const text = this.#write(message);
    if (text === null) return;
    const window = afterSending(this.#state.window, text);
    if (!mustAsk(window)) return this.update({ window });
    const id = crypto.randomUUID();
    this.update({ window: { ...window, asked: { id, sent: window.sent } } });
    this.ask(id);
  }

  #write(message: Outgoing): string | null {
    if (!this.isOpen) return null;
    const text = JSON.stringify({ ...message, timestamp: new Date().toISOString() });
    this.#socket.send(text);
    return text;
  }

  /** Says what was wrong with a request, or with what it asked for. */
  fail(code: ErrorCode, details: string, about: { id?: string | undefined; vmId?: string } = {}): void {
    const { id, vmId } = about;
    const message = errorTable[code][this.#state.language];
    this.send({
      ...{ type: "error", data: { code, message, details, ...(vmId === undefined ? {} : { vmId }) } },
      ...(id === undefined ? {} : { id }),
    });
  }

  /** The client has answered a `ping` of ours. */
  answered(id: string | undefined): void {
    this.update({ window: afterAnswer(this.#state.window, id) });
  }

  /** Something waits that may not be sent. */
  noteFull(now: number = Date.now()): void {
    const { window } = this.#state;
    if (window.fullSince === null) this.update({ window: { ...window, fullSince: now } });
  }

  /** False, and closed, for who asks and asks and doesn't read. */
  takesRequest(): boolean {
    const { window } = this.#state;
    if (!isFull(window)) return true;
    this.update({ window: { ...window, late: window.late + 1 } });
    if (window.late < mostLate) return true;
    this.closeTooSlow();
    return false;
  }

  closeTooSlow(): void {
    const seconds = socketLimits.window.answerMs / 1000;
    this.close(
      "tooSlow",
      `Messages wait unread, and the ping was not answered in ${seconds} s: come back with 'after'`,
    );
  }

  close(why: keyof typeof socketCloseCodes, reason: string): void {
    // Whoever closes first has the word: a second call would throw.
    if (this.isOpen) this.#socket.close(socketCloseCodes[why], reason.slice(0, 120));
  }
}
