/**
 * A client whose WebSocket is the stream: binary frames are its bytes. One that speaks `voidvm.credit.v1` is told
 * everything in text frames too; noVNC, xterm.js and plain sockets get bytes, and the end by the closing code.
 */
import { creditProtocol, type StreamControl } from "../../protocol/streams.ts";
import { close, type RelayClient } from "./relay.ts";
import { orderlyEnd, reasonOf, type StreamClosing } from "./stream-closing.ts";

/** noVNC may ask for it, and means nothing by it. */
const binaryProtocol = "binary";

interface Attachment {
  readonly aware: boolean;
}

/** Of those that a client offers, the one that is spoken; null where it offers none that is known here. */
export function chooseProtocol(offered: string | null): string | null {
  const names = (offered ?? "").split(",").map((name) => name.trim());
  return [creditProtocol, binaryProtocol].find((name) => names.includes(name)) ?? null;
}

/** Whose sockets they are doesn't change, and is looked at for each frame. */
const known = new WeakMap<WebSocket, Attachment>();

export class RawClient implements RelayClient {
  readonly #socket: WebSocket;
  readonly aware: boolean;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    const attachment = known.get(socket) ?? (socket.deserializeAttachment() as Attachment);
    known.set(socket, attachment);
    this.aware = attachment.aware;
  }

  /** Of a socket that has just been accepted. */
  static begin(socket: WebSocket, protocol: string | null): RawClient {
    socket.serializeAttachment({ aware: protocol === creditProtocol } satisfies Attachment);
    return new RawClient(socket);
  }

  bytes(data: ArrayBuffer): void {
    this.#send(data);
  }

  control(message: StreamControl): void {
    if (this.aware) this.#send(JSON.stringify(message));
    // Nothing else can tell it that no more bytes follow.
    else if (message.type === "end") this.closed(orderlyEnd);
  }

  closed(closing: StreamClosing): void {
    const { code, message, closeCode } = closing;
    if (this.aware) this.#send(JSON.stringify({ type: "closed", code, message } satisfies StreamControl));
    close(this.#socket, closeCode, reasonOf(closing));
  }

  #send(message: ArrayBuffer | string): void {
    try {
      this.#socket.send(message);
    } catch {
      // It has closed under our hands, which the host is told by its own event.
    }
  }
}
