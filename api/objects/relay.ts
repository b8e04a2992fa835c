/**
 * One stream: the host's socket on one side, and on the other whatever its client is, a socket of its own or a part of
 * `/ws`. What is known of a stream lies in the attachment of the host's socket, so it outlives the object's memory.
 *
 * No runtime tells how much it has buffered, so nobody sends more than they were granted, and both sides are counted. A
 * client that knows nothing of credit is granted for here: the host may be ahead of it, and it of the host, by
 * `unawareBytes` and no more.
 */
import { StreamControl, streamLimits } from "../../protocol/streams.ts";
import { closingByHost, closingOf, type StreamClosing } from "./stream-closing.ts";

const { windowBytes, unawareBytes, maxFrameBytes } = streamLimits;

export interface RelayState {
  readonly streamId: string;
  /** The client grants credit itself. */
  readonly aware: boolean;
  /** The host has reached its target. */
  opened: boolean;
  /** Bytes that the host may still send. */
  down: number;
  /** Bytes that the client may still send; below zero for one that is unaware and ahead of the host. */
  up: number;
  /** Bytes sent to an unaware client since its last sign of life. */
  unseen: number;
  /** When anybody said anything last, in ms since 1970. */
  lastAt: number;
}

/** The client's side. */
export interface RelayClient {
  bytes(data: ArrayBuffer): void;
  /** `opened`, `gap`, `writer`, `untyped`, `end` and, to one that is aware, `credit`. */
  control(message: StreamControl): void;
  closed(closing: StreamClosing): void;
}

type ControlType = StreamControl["type"];
const fromHostOnly: ReadonlySet<ControlType> = new Set(["opened", "gap", "writer", "untyped", "closed"]);
const fromHost: ReadonlySet<ControlType> = new Set([...fromHostOnly, "credit", "end"]);

/** What is attached to a socket, as long as the object is in memory: reading it for each frame costs more than the frame. */
const known = new WeakMap<WebSocket, RelayState | null>();

/** The stream's state as it was left; null for a socket that is no host's. */
export function relayState(socket: WebSocket): RelayState | null {
  const found = known.get(socket);
  if (found !== undefined) return found;
  const attachment = socket.deserializeAttachment() as Partial<RelayState> | null;
  const state = attachment?.streamId === undefined ? null : (attachment as RelayState);
  known.set(socket, state);
  return state;
}

export class Relay {
  readonly #host: WebSocket;
  readonly #client: RelayClient;
  readonly #state: RelayState;

  constructor(host: WebSocket, client: RelayClient) {
    this.#host = host;
    this.#client = client;
    this.#state = relayState(host) as RelayState;
  }

  /** Of a host's socket that has just been accepted. */
  static begin(host: WebSocket, client: RelayClient, stream: Pick<RelayState, "streamId" | "aware">): Relay {
    known.set(host, {
      ...{ streamId: stream.streamId, aware: stream.aware, opened: false },
      ...{ down: windowBytes, up: windowBytes, unseen: 0, lastAt: Date.now() },
    });
    const relay = new Relay(host, client);
    relay.#save();
    return relay;
  }

  /** What came on the host's socket. */
  fromHost(message: ArrayBuffer | string): void {
    this.#state.lastAt = Date.now();
    if (typeof message === "string") this.#controlFromHost(parseControl(message));
    else this.#bytesFromHost(message);
    this.#save();
  }

  /** Bytes of the client's, in pieces of any size. */
  fromClient(data: ArrayBuffer): void {
    const state = this.#state;
    this.#alive();
    state.up -= data.byteLength;
    if (state.aware && state.up < 0) return this.end(closingOf("STREAM_MALFORMED", "More was sent than was granted"));
    if (state.up < -unawareBytes) return this.end(closingOf("READER_TOO_SLOW", "The far end takes less than is sent"));
    for (let from = 0; from < data.byteLength; from += maxFrameBytes) {
      this.#toHost(data.byteLength > maxFrameBytes ? data.slice(from, from + maxFrameBytes) : data);
    }
    this.#save();
  }

  /** What a client says beside its bytes. */
  controlFromClient(message: StreamControl): void {
    const state = this.#state;
    this.#alive();
    if (fromHostOnly.has(message.type)) {
      return this.end(closingOf("STREAM_MALFORMED", `A client doesn't say ${message.type}`));
    }
    if (message.type === "credit") {
      state.down += message.bytes;
      if (!state.aware || state.down > unawareBytes) {
        return this.end(closingOf("STREAM_MALFORMED", `No more than ${unawareBytes} bytes can be granted at a time`));
      }
    }
    this.#toHost(JSON.stringify(message));
    this.#save();
  }

  /** An unaware client has shown that it lives and reads, by whatever message. */
  clientLives(): void {
    this.#alive();
    this.#save();
  }

  /** Ends it on both sides. */
  end(closing: StreamClosing): void {
    close(this.#host, 1000, closing.code ?? "");
    this.#client.closed(closing);
  }

  #bytesFromHost(data: ArrayBuffer): void {
    const state = this.#state;
    const bytes = data.byteLength;
    state.down -= bytes;
    if (state.down < 0 || bytes > maxFrameBytes) {
      return this.end(closingOf("HOST_ERROR", "The host sent more than it was granted"));
    }
    if (!state.aware) {
      state.unseen += bytes;
      if (state.unseen > unawareBytes) return this.end(closingOf("READER_TOO_SLOW", "It gave no sign of reading"));
      if (state.down <= windowBytes / 2) {
        this.#toHost(JSON.stringify({ type: "credit", bytes: windowBytes - state.down } satisfies StreamControl));
        state.down = windowBytes;
      }
    }
    this.#client.bytes(data);
  }

  #controlFromHost(message: StreamControl | null): void {
    if (!message || !fromHost.has(message.type)) {
      return this.end(closingOf("HOST_ERROR", "The host said what is not of the protocol"));
    }
    if (message.type === "closed") return this.end(closingByHost(message.code, message.message));
    if (message.type === "opened") this.#state.opened = true;
    if (message.type === "credit") {
      this.#state.up += message.bytes;
      if (!this.#state.aware) return;
    }
    this.#client.control(message);
  }

  #alive(): void {
    this.#state.unseen = 0;
    this.#state.lastAt = Date.now();
  }

  #toHost(message: ArrayBuffer | string): void {
    try {
      this.#host.send(message);
    } catch {
      // It has closed under our hands, which is told to the client by its own event.
    }
  }

  #save(): void {
    this.#host.serializeAttachment(this.#state);
  }
}

/** Null for what is no control message. */
export function parseControl(text: string): StreamControl | null {
  try {
    return StreamControl.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Closing what is closed already does nothing. */
export function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It was closed before.
  }
}
