/**
 * One object per host: it holds the agent's WebSocket and is the edge's only way to that host.
 *
 * The socket hibernates, so nothing that must survive lives on the heap. What arrives is stored before it is
 * answered, and what is sent is stored as sent before it goes out.
 */
import { DurableObject } from "cloudflare:workers";
import { closeCodes, type LinkFeature, linkLimits } from "../../protocol/agent-link.ts";
import type { WatchOrder } from "../../protocol/samples.ts";
import type { StreamOrder } from "../../protocol/streams.ts";
import type { QueuedOperation } from "../../db/pending.ts";
import type { Env } from "../env.ts";
import { endedUnseen, parseFrame } from "./frames.ts";
import { HostParts } from "./host-parts.ts";
import { Incoming } from "./incoming.ts";
import type { OutboxEntry } from "./outbox.ts";
import { beginSession, endSession, release } from "./session-start.ts";
import { account } from "./unknown-machines.ts";

/** `too-late`: it has begun. `unreachable`: it is the host's, and the host doesn't answer. */
export type CancelResult = "cancelled" | "ended" | "too-late" | "unreachable";

/** `unsupported`: the agent doesn't know such an order. An agent that was not installed from the edge can't `update`. */
export type OrderResult = "sent" | "offline" | "unsupported";

type PassingOrder = { type: "open-stream"; order: StreamOrder } | { type: "update"; version: string };

export class HostLink extends DurableObject<Env> {
  readonly #parts = new HostParts(this.ctx, this.env);
  readonly #incoming = new Incoming(this.#parts);

  /** Takes the agent's connection. The Worker has verified its token. */
  override async fetch(request: Request): Promise<Response> {
    const { session, sockets } = this.#parts;
    const hostId = request.headers.get("X-VoidVM-Host") ?? "";
    const jti = request.headers.get("X-VoidVM-Token-Id") ?? "";
    const keySerial = Number(request.headers.get("X-VoidVM-Key-Serial"));
    // Judged before the key was changed, and here after it.
    if (session.current.revoked || keySerial < session.current.keySerial) {
      return new Response("The host was deleted or has another key", { status: 401 });
    }
    if (keySerial > session.current.keySerial) await this.revoke(hostId, keySerial);
    const lifeMs = 2 * linkLimits.agentTokenSeconds * 1000;
    if (!session.spendToken(jti, Date.now(), lifeMs)) {
      return new Response("The token has opened a connection before", { status: 401 });
    }
    session.update({ hostId });
    return sockets.accept(keySerial);
  }

  /**
   * Takes over what D1 has queued for this host, in the order in which the API accepted it, and delivers it. `queued`: all
   * of it, where the caller has just read it.
   */
  async wake(hostId: string, queued: QueuedOperation[] | null = null): Promise<void> {
    this.#remember(hostId);
    const { delivery } = this.#parts;
    await (queued ? delivery.take(queued) : delivery.takeOver());
  }

  /** Resolves when the operation has ended and D1 shows its end, or after `timeoutMs`. */
  async waitForOperation(hostId: string, operationId: string, timeoutMs: number): Promise<void> {
    const { outbox, projector } = this.#parts;
    if (!outbox.find(operationId)) await this.wake(hostId);
    const entry = outbox.find(operationId);
    if (!entry || (entry.state === "ended" && !outbox.isEndUnderWay(operationId))) return;
    await projector.ended(operationId, timeoutMs);
  }

  /**
   * Takes an operation back: here if the host has not been sent it, through the host otherwise. Whatever it says, the
   * operation has one end, and D1 shows it before this resolves with `cancelled`.
   */
  async cancel(hostId: string, operation: QueuedOperation): Promise<CancelResult> {
    this.#remember(hostId);
    const { outbox, session, sockets, cancelAnswers, delivery } = this.#parts;
    const { id } = operation;
    // One that is still D1's is taken over, so that nothing can take it over after this.
    outbox.put(operation);
    const { state } = outbox.find(id) as OutboxEntry;
    if (state === "ended") return "ended";
    if (state !== "waiting") {
      const socket = sockets.current();
      if (!socket) return "unreachable";
      const { epoch } = session.current;
      const ask = () => sockets.send(socket, { type: "cancel", epoch, operationId: id });
      const effect = await cancelAnswers.wait(id, ask);
      if (effect === null) return "unreachable";
      if (effect === "too-late") return outbox.find(id)?.state === "ended" ? "ended" : "too-late";
    }
    delivery.end(endedUnseen(operation, "cancelled", "CANCELLED", "Cancelled before it began"));
    await this.#parts.settle();
    return "cancelled";
  }

  /** Looks at what an alarm may have missed. Called once a minute for each host that D1 shows as online. */
  async look(hostId: string): Promise<void> {
    this.#remember(hostId);
    await this.alarm();
  }

  /** Has the host dial for a stream. */
  openStream(order: StreamOrder): OrderResult {
    return this.#tell("streams", { type: "open-stream", order });
  }

  /** Tells the agent to become this version. It looks for itself whether it may, and when. */
  update(version: string): OrderResult {
    return this.#tell("update", { type: "update", version });
  }

  /** What a hub watches of this host; null: nothing any more. */
  watch(hostId: string, hub: string, order: WatchOrder | null): void {
    this.#remember(hostId);
    if (this.#parts.watch.set(hub, order)) this.#parts.sendWatch();
  }

  /** Ends a quarantine. */
  async release(hostId: string): Promise<void> {
    this.#remember(hostId);
    await release(this.#parts);
  }

  /**
   * Shuts out keys: those before `keySerial`, or with null all of them for good, since the host was deleted. What such a
   * key has opened is closed. May be repeated.
   */
  async revoke(hostId: string, keySerial: number | null): Promise<void> {
    this.#remember(hostId);
    const { session, sockets, outbox, alarm } = this.#parts;
    if (keySerial === null) {
      session.update({ revoked: true, connected: false, synced: false });
      sockets.closeAllBut(null, closeCodes.revoked, "This host was deleted");
      outbox.clear();
      return alarm.disarm();
    }
    if (keySerial <= session.current.keySerial) return;
    session.update({ keySerial });
    sockets.closeOlderThan(keySerial, closeCodes.revoked, "This host has enrolled again with another key");
    if (session.current.connected) endSession(this.#parts);
    // Whoever holds a copy of the old key is out, so there is nothing left to decide.
    await release(this.#parts);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const { session, sockets } = this.#parts;
    const frame = parseFrame(message);
    if (!frame) return socket.close(closeCodes.malformed, "Not a frame of this protocol");
    if (session.current.revoked || sockets.keySerialOf(socket) < session.current.keySerial) {
      return socket.close(closeCodes.revoked, "The host was deleted or has another key");
    }
    if (frame.type === "hello") return beginSession(this.#parts, socket, frame);

    const epoch = sockets.epochOf(socket);
    if (epoch !== session.current.epoch) {
      return socket.close(closeCodes.replaced, "Another session of this host has begun");
    }
    if (frame.epoch !== epoch) return;
    await this.#incoming.take(socket, frame);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    await this.#lost(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#lost(socket);
  }

  /** Looks for silence, expired operations and changes that D1 has not taken. */
  override async alarm(): Promise<void> {
    const { session, sockets, outbox, delivery, alarm } = this.#parts;
    const now = Date.now();
    delivery.expire(now);
    outbox.purge(now);
    if ((alarm.deadAt() ?? Infinity) <= now) {
      sockets.current()?.close(closeCodes.restarting, "Nothing heard for too long");
      endSession(this.#parts);
    }
    if (session.current.unaccounted) await account(this.#parts);
    await this.#parts.settle();
  }

  async #lost(socket: WebSocket): Promise<void> {
    const epoch = this.#parts.sockets.epochOf(socket);
    if (epoch === 0 || epoch !== this.#parts.session.current.epoch) return;
    endSession(this.#parts);
    await this.#parts.settle();
  }

  /** Says what is kept nowhere: what can't be said now is refused. */
  #tell(feature: LinkFeature, order: PassingOrder): OrderResult {
    const { session, sockets } = this.#parts;
    const socket = sockets.current();
    const { synced, epoch } = session.current;
    if (!socket || !synced) return "offline";
    if (!session.supports(feature)) return "unsupported";
    sockets.send(socket, { ...order, epoch });
    return "sent";
  }

  #remember(hostId: string): void {
    const { session } = this.#parts;
    if (session.current.hostId !== hostId) session.update({ hostId });
  }
}
