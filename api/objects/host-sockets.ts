/**
 * The sockets that a host's object holds: at most one is the current session's, the others are on their way in or out.
 *
 * Which is which stands in their attachments and not on the heap, so it survives the object's eviction.
 */
import { type EdgeFrame, pingText, pongText } from "../../protocol/agent-link.ts";
import type { HostSessionStore } from "./host-session.ts";

interface Attachment {
  /** 0 until it has said hello. */
  epoch: number;
  /** In ms since 1970. */
  openedAt: number;
  /** Of the key that it was opened with. */
  keySerial: number;
}

export class HostSockets {
  readonly #ctx: DurableObjectState;
  readonly #session: HostSessionStore;

  constructor(ctx: DurableObjectState, session: HostSessionStore) {
    this.#ctx = ctx;
    this.#session = session;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  /** Takes a connection in; the answer hands the other end to the agent. */
  accept(keySerial: number): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    server.serializeAttachment({ epoch: 0, openedAt: Date.now(), keySerial } satisfies Attachment);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Makes this the session's socket. */
  begin(socket: WebSocket, epoch: number): void {
    socket.serializeAttachment({ ...attachmentOf(socket), epoch } satisfies Attachment);
  }

  /** 0 until it has said hello. */
  epochOf(socket: WebSocket): number {
    return attachmentOf(socket).epoch;
  }

  keySerialOf(socket: WebSocket): number {
    return attachmentOf(socket).keySerial;
  }

  /** Null when the host has no session. */
  current(): WebSocket | null {
    const { epoch } = this.#session.current;
    return (epoch > 0 && this.#ctx.getWebSockets().find((socket) => this.epochOf(socket) === epoch)) || null;
  }

  closeAllBut(kept: WebSocket | null, code: number, reason: string): void {
    for (const socket of this.#ctx.getWebSockets()) {
      if (socket !== kept) socket.close(code, reason);
    }
  }

  /** Closes what was opened with an older key. */
  closeOlderThan(keySerial: number, code: number, reason: string): void {
    for (const socket of this.#ctx.getWebSockets()) {
      if (attachmentOf(socket).keySerial < keySerial) socket.close(code, reason);
    }
  }

  /** When something was last heard on it, in ms since 1970. A ping that the runtime answered counts. */
  heardAt(socket: WebSocket): number {
    const { openedAt } = attachmentOf(socket);
    return Math.max(openedAt, this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
  }

  send(socket: WebSocket, frame: EdgeFrame): void {
    try {
      socket.send(JSON.stringify(frame));
    } catch {
      // It closed under our hands. What it did not get is sent in the next session.
    }
  }
}

function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment() as Attachment;
}
