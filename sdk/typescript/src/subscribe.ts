/**
 * What happens, as it happens: one WebSocket a subscription, as an iterator that outlives it.
 *
 * Events are gone through by their sequence, so a connection that broke is taken up again behind the last one that was
 * handed on: each comes once and none is missing. Of everything else the present state comes again.
 */
import { VoidVMError } from "./errors.ts";
import {
  closeCodes,
  type HostSample,
  type Operation,
  type SystemEvent,
  type Topic,
  type VmSample,
  type VmStatusMessage,
} from "./generated.ts";
import type { Http } from "./http.ts";
import type { SocketLike } from "./options.ts";
import { pause } from "./pause.ts";
import { retryDelay } from "./retry.ts";
import { closedError, openSocket } from "./socket.ts";

/** What a subscription brings. */
export type Update =
  | { type: "vm-status"; data: VmStatusMessage }
  | { type: "vm-metrics"; data: VmSample }
  | { type: "system-monitor"; data: HostSample }
  | { type: "operation"; data: Operation }
  | { type: "system-event"; data: SystemEvent };

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
}

const updates = new Set(["vm-status", "vm-metrics", "system-monitor", "operation", "system-event"]);
const pingMs = 25_000;
/** Nothing was heard for so long: the connection is dead. */
const silenceMs = 60_000;

export interface SubscribeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when the connection was lost, before it is taken up again. */
  readonly onReconnect?: ((error: VoidVMError) => void) | undefined;
}

export async function* subscribe(
  http: Http,
  topics: readonly Topic[],
  { signal, onReconnect }: SubscribeOptions = {},
): AsyncGenerator<Update, void, undefined> {
  let after = topics.find((topic) => topic.topic === "events")?.after;
  for (let failures = 0; ;) {
    const connection = new Connection(http, topics, after, signal);
    try {
      for await (const update of connection.updates()) {
        if (update.type === "system-event") after = update.data.seq;
        yield update;
      }
    } catch (error) {
      signal?.throwIfAborted();
      after ??= connection.position;
      if (connection.hasBegun) failures = 0;
      // A connection that never came about is tried as often as any call.
      const isFinal = !(error instanceof VoidVMError) || !error.retryable || ++failures > (http.options.retries ?? 5);
      if (isFinal) throw error;
      onReconnect?.(error);
      await pause(retryDelay(failures, error.retryAfter), signal);
    } finally {
      connection.close();
    }
  }
}

class Connection {
  /** The subscriptions are accepted. */
  hasBegun = false;
  /** Where the events stood when they were subscribed to. */
  position: number | undefined;
  readonly #http: Http;
  readonly #topics: readonly Topic[];
  readonly #after: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: Message[] = [];
  #socket: SocketLike | null = null;
  #failure: Error | undefined;
  #wake: () => void = () => {};
  #heardAt = Date.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(http: Http, topics: readonly Topic[], after: number | undefined, signal: AbortSignal | undefined) {
    this.#http = http;
    this.#topics = topics;
    this.#after = after;
    this.#signal = signal;
  }

  /** Ends only by throwing. */
  async *updates(): AsyncGenerator<Update, never, undefined> {
    await this.#begin();
    let accepted = 0;
    for (;;) {
      const message = await this.#next();
      if (message.type === "subscribe") {
        this.hasBegun = ++accepted === this.#topics.length;
        if (typeof message.data["seq"] === "number") this.position = message.data["seq"];
      } else if (message.type === "ping") {
        // Answered in its turn, not when it comes: until then the edge holds back, so a slow reader costs little memory.
        this.#send("pong", undefined, message.id);
      } else if (message.type === "error") {
        throw refusal(message);
      } else if (updates.has(message.type)) {
        yield message as unknown as Update;
      }
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket?.close(1000);
  }

  async #begin(): Promise<void> {
    const { session, base, options } = this.#http;
    const token = await session.token(this.#signal);
    const language = options.language === undefined ? "" : `?language=${encodeURIComponent(options.language)}`;
    const url = `${base.replace(/^http/, "ws").replace(/\/api\/v1$/, "")}/ws${language}`;
    const events = {
      message: (data: string | ArrayBuffer) => this.#take(data),
      close: (code: number, reason: string) => this.#fail(closedError(code, reason, ...meaningOf(code))),
    };
    this.#socket = await openSocket(options, url, [], events, this.#signal);
    this.#signal?.addEventListener("abort", () => this.#fail(this.#signal?.reason as Error), { once: true });
    this.#send("auth", { token });
    const answer = await this.#next().catch(async (error: unknown) => {
      // A session that has ended meanwhile is renewed, and the next connection is that one's.
      const isRenewed =
        (error as VoidVMError).code === "UNAUTHENTICATED" && (await session.renewed(token, this.#signal));
      throw isRenewed ? closedError(closeCodes.unauthenticated, "The token has expired") : error;
    });
    if (answer.type !== "auth") throw refusal(answer);
    for (const topic of this.#topics) {
      this.#send("subscribe", topic.topic === "events" ? { ...topic, after: this.#after } : topic);
    }
    this.#timer = setInterval(() => this.#look(), pingMs);
  }

  #take(data: string | ArrayBuffer): void {
    this.#heardAt = Date.now();
    this.#waiting.push(JSON.parse(data as string) as Message);
    this.#wake();
  }

  /** What came before the failure is handed on first. */
  async #next(): Promise<Message> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message) return message;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #look(): void {
    if (Date.now() - this.#heardAt > silenceMs) this.#fail(closedError(1006, "Nothing was heard for too long"));
    else this.#send("ping");
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.close();
    this.#wake();
  }

  #send(type: string, data?: object, id?: string): void {
    if (this.#failure === undefined) this.#socket?.send(JSON.stringify({ type, data, id }));
  }
}

function refusal({ data }: Message): VoidVMError {
  const { code, message, details } = data as { code: string; message: string; details?: string };
  return new VoidVMError({ code, message, details: details ?? null });
}

/** The error's code, and whether to connect again. */
function meaningOf(code: number): [name: string, retryable: boolean] {
  if (code === closeCodes.unauthenticated) return ["UNAUTHENTICATED", false];
  if (code === closeCodes.tooMany) return ["TOO_MANY_CONNECTIONS", false];
  return ["SOCKET_CLOSED", code !== closeCodes.malformed && code !== closeCodes.tooLarge];
}
