/**
 * One object per host: it holds the agent's WebSocket and is the edge's only way to that host.
 *
 * The socket hibernates, so nothing that must survive lives on the heap. What arrives is stored before it is
 * answered, and what is sent is stored as sent before it goes out.
 */
import { DurableObject } from "cloudflare:workers";
import { type Change, projectProgress } from "../../db/projection.ts";
import { queuedOperations } from "../../db/pending.ts";
import {
  type AgentFrame,
  closeCodes,
  type EdgeFrame,
  linkLimits,
  linkProtocol,
  pingText,
  pongText,
} from "../../protocol/agent-link.ts";
import type { Env } from "../env.ts";
import { CancelAnswers } from "./cancel-answers.ts";
import { Coalesced } from "./coalesced.ts";
import { endedUnseen, executeFrame, iso, parseFrame } from "./frames.ts";
import { HostSessionStore } from "./host-session.ts";
import { Outbox, type OutboxEntry, type QueuedOperation } from "./outbox.ts";
import { Projector } from "./projector.ts";
import { settleReport } from "./reconcile.ts";

type Frame<T extends AgentFrame["type"]> = Extract<AgentFrame, { type: T }>;

/** Of a socket: the epoch of its session, 0 until it has said hello, and when it was opened, in ms since 1970. */
interface Attachment {
  epoch: number;
  openedAt: number;
}

/** `too-late`: it has begun. `unreachable`: it is the host's, and the host doesn't answer. */
export type CancelResult = "cancelled" | "ended" | "too-late" | "unreachable";

/** `unsupported`: the agent was not installed from the edge, or is too old to update itself. */
export type UpdateOrder = "sent" | "offline" | "unsupported";

const projectionRetryMs = 5_000;
const progressEveryMs = 1_000;
const startedDelayMs = 100;

export class HostLink extends DurableObject<Env> {
  readonly #outbox = new Outbox(this.ctx.storage.sql);
  readonly #session = new HostSessionStore(this.ctx.storage.sql);
  readonly #projector = new Projector(this.env.DB, this.#outbox);
  readonly #progressAt = new Map<string, number>();
  readonly #cancelAnswers = new CancelAnswers();
  readonly #takingOver = new Coalesced(() => this.#takeOver());

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  /** Takes the agent's connection. The Worker has verified its token. */
  override async fetch(request: Request): Promise<Response> {
    const hostId = request.headers.get("X-VoidVM-Host") ?? "";
    const jti = request.headers.get("X-VoidVM-Token-Id") ?? "";
    if (this.#session.current.revoked) return new Response("This host was deleted", { status: 401 });
    const lifeMs = 2 * linkLimits.agentTokenSeconds * 1000;
    if (!this.#session.spendToken(jti, Date.now(), lifeMs)) {
      return new Response("The token has opened a connection before", { status: 401 });
    }
    this.#session.update({ hostId });
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment({ epoch: 0, openedAt: Date.now() } satisfies Attachment);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Takes over what D1 has queued for this host, in the order in which the API accepted it, and delivers it. */
  async wake(hostId: string): Promise<void> {
    if (this.#session.current.hostId !== hostId) this.#session.update({ hostId });
    await this.#takingOver.run();
  }

  /** Resolves when the operation has ended and D1 shows its end, or after `timeoutMs`. */
  async waitForOperation(hostId: string, operationId: string, timeoutMs: number): Promise<void> {
    if (!this.#outbox.find(operationId)) await this.wake(hostId);
    const entry = this.#outbox.find(operationId);
    if (!entry || (entry.state === "ended" && !this.#outbox.isEndUnderWay(operationId))) return;
    await this.#projector.ended(operationId, timeoutMs);
  }

  /**
   * Takes an operation back: here if the host has not been sent it, through the host otherwise. Whatever it says, the
   * operation has one end, and D1 shows it before this resolves with `cancelled`.
   */
  async cancel(hostId: string, operation: QueuedOperation): Promise<CancelResult> {
    if (this.#session.current.hostId !== hostId) this.#session.update({ hostId });
    const { id } = operation;
    // One that is still D1's is taken over, so that nothing can take it over after this.
    this.#outbox.put(operation, Date.now() + linkLimits.deliveryDeadlineMs);
    const { state } = this.#outbox.find(id) as OutboxEntry;
    if (state === "ended") return "ended";
    if (state !== "waiting") {
      const socket = this.#currentSocket();
      if (!socket) return "unreachable";
      const { epoch } = this.#session.current;
      const ask = () => this.#send(socket, { type: "cancel", epoch, operationId: id });
      const effect = await this.#cancelAnswers.wait(id, ask);
      if (effect === null) return "unreachable";
      if (effect === "too-late") return this.#outbox.find(id)?.state === "ended" ? "ended" : "too-late";
    }
    this.#end(endedUnseen(operation, "cancelled", "CANCELLED", "Cancelled before it began"));
    await this.#settle();
    return "cancelled";
  }

  /** Tells the agent to become this version. It looks for itself whether it may, and when. */
  async update(version: string): Promise<UpdateOrder> {
    const socket = this.#currentSocket();
    const { synced, epoch } = this.#session.current;
    if (!socket || !synced) return "offline";
    if (!this.#session.supports("update")) return "unsupported";
    this.#send(socket, { type: "update", epoch, version });
    return "sent";
  }

  /** Ends the host's link for good: it was deleted, and its key opens nothing any more. */
  async revoke(): Promise<void> {
    this.#session.update({ revoked: true, connected: false, synced: false });
    for (const socket of this.ctx.getWebSockets()) socket.close(closeCodes.revoked, "This host was deleted");
    this.#outbox.clear();
    await this.ctx.storage.deleteAlarm();
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const frame = parseFrame(message);
    if (!frame) return socket.close(closeCodes.malformed, "Not a frame of this protocol");
    if (this.#session.current.revoked) return socket.close(closeCodes.revoked, "This host was deleted");
    if (frame.type === "hello") return this.#hello(socket, frame);

    const { epoch } = socket.deserializeAttachment() as Attachment;
    if (epoch !== this.#session.current.epoch) {
      return socket.close(closeCodes.replaced, "Another session of this host has begun");
    }
    if (frame.epoch !== epoch) return;
    await this.#receive(socket, frame);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    await this.#lost(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#lost(socket);
  }

  /** Looks for silence, expired operations and changes that D1 has not taken. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    const minutes = linkLimits.deliveryDeadlineMs / 60_000;
    for (const entry of this.#outbox.expired(now)) {
      const message = `The host was not there for ${minutes} minutes; nothing was done`;
      this.#end(endedUnseen(entry, "failed", "OPERATION_EXPIRED", message));
    }
    this.#outbox.purge(now);
    const socket = this.#currentSocket();
    if (socket && this.#silentFor(socket, now) > linkLimits.edgeDeadMs) {
      socket.close(closeCodes.restarting, "Nothing heard for too long");
      await this.#lost(socket);
    } else if (!socket && this.#session.current.connected) {
      // The runtime restarted and took the socket with it; the agent had its time to come back.
      this.#offline();
    }
    await this.#settle();
  }

  async #hello(socket: WebSocket, hello: Frame<"hello">): Promise<void> {
    const attachment = socket.deserializeAttachment() as Attachment;
    if (attachment.epoch > 0) return socket.close(closeCodes.malformed, "A session says hello once");
    const { lowest, highest } = hello.protocol;
    if (lowest > linkProtocol.highest || highest < linkProtocol.lowest) {
      return socket.close(
        closeCodes.protocol,
        `Speak protocol ${linkProtocol.lowest} to ${linkProtocol.highest}: update the agent`,
      );
    }
    const { hostId, epoch: last, journalId, eventSequence } = this.#session.current;
    // An edge that was restored from a backup has forgotten epochs which the agent has seen.
    const epoch = Math.max(last, hello.greatestEpoch) + 1;
    this.#session.update({
      epoch,
      journalId: hello.journalId,
      bootId: hello.bootId,
      features: hello.features,
      eventSequence: journalId === hello.journalId ? eventSequence : 0,
      connected: true,
      synced: false,
    });
    this.#session.forgetReport();
    socket.serializeAttachment({ ...attachment, epoch } satisfies Attachment);
    for (const other of this.ctx.getWebSockets()) {
      if (other !== socket) other.close(closeCodes.replaced, "Another connection of this host has taken over");
    }
    const { facts, agentVersion } = hello;
    const protocol = Math.min(highest, linkProtocol.highest);
    this.#outbox.addChange({
      type: "host-online",
      at: iso(),
      epoch,
      facts,
      agentVersion,
      updatable: this.#session.supports("update"),
    });
    this.#send(socket, {
      type: "welcome",
      epoch,
      hostId,
      protocol,
      pingIntervalMs: linkLimits.pingIntervalMs,
      deadMs: linkLimits.agentDeadMs,
      // An agent of version 1 takes no field that it doesn't know.
      ...(protocol >= 2 && this.env.VOIDVM_VERSION ? { edgeVersion: this.env.VOIDVM_VERSION } : {}),
    });
    await this.#settle();
  }

  async #receive(socket: WebSocket, frame: Exclude<AgentFrame, { type: "hello" }>): Promise<void> {
    switch (frame.type) {
      case "report":
        return this.#report(socket, frame);
      case "accept":
        return this.#accepted(frame.operationId);
      case "reject":
        return this.#rejected(frame);
      case "progress":
        return this.#progress(frame);
      case "done":
        return this.#done(socket, frame);
      case "event":
        return this.#event(socket, frame);
      case "update-failed":
        return this.#updateFailed(frame);
      case "cancelled":
        return this.#cancelAnswers.tell(frame.operationId, frame.effect);
    }
  }

  async #report(socket: WebSocket, report: Frame<"report">): Promise<void> {
    const { epoch, hostId } = this.#session.current;
    this.#session.addReported(
      "vm",
      report.vms.map(({ vmId }) => vmId),
    );
    this.#session.addReported(
      "operation",
      report.operations.map(({ operationId }) => operationId),
    );
    if (report.vms.length > 0) this.#outbox.addChange({ type: "vms", at: iso(), vms: report.vms });
    if (!report.last) return;

    const { wanted, unknown } = settleReport(this.#outbox, this.#session);
    for (const entry of unknown) {
      const message = "The host's journal was lost: the operation may or may not have taken effect";
      this.#end(endedUnseen(entry, "unknown", "OUTCOME_UNKNOWN", message));
    }
    this.#outbox.addChange({ type: "vms-missing", at: iso(), present: this.#session.reported("vm") });
    this.#session.update({ synced: true });
    this.#send(socket, { type: "sync", epoch, wanted });
    this.#deliver();
    await this.wake(hostId).catch(logTakeOver);
    await this.#settle();
  }

  async #accepted(operationId: string): Promise<void> {
    const entry = this.#outbox.find(operationId);
    if (!entry || !this.#outbox.accepted(operationId)) return;
    this.#outbox.addChange({ type: "started", at: iso(), operationId, vmId: entry.vmId });
    // Most operations end sooner than this, and then beginning and end are one write.
    await scheduler.wait(startedDelayMs);
    await this.#settle();
  }

  async #rejected({ operationId, code, message }: Frame<"reject">): Promise<void> {
    const entry = this.#outbox.find(operationId);
    if (!entry) return;
    this.#end(endedUnseen(entry, "failed", code, message));
    await this.#settle();
  }

  async #progress({ operationId, percent, step, message }: Frame<"progress">): Promise<void> {
    const last = this.#progressAt.get(operationId) ?? 0;
    if (Date.now() - last < progressEveryMs) return;
    this.#progressAt.set(operationId, Date.now());
    await projectProgress(this.env.DB, { operationId, percent, step, message }).catch(() => {});
  }

  async #done(socket: WebSocket, { operationId, outcome, vm, epoch }: Frame<"done">): Promise<void> {
    const entry = this.#outbox.find(operationId);
    if (entry) {
      // Kind and machine are what was asked for, whatever the agent says that it did.
      const { kind, vmId } = entry;
      const isForeign = vm !== null && vm.vmId !== vmId;
      this.#end({ type: "ended", at: iso(), operationId, kind, vmId, outcome, vm: isForeign ? "unseen" : vm });
    }
    this.#send(socket, { type: "done-ack", epoch, operationId });
    this.#deliver();
    await this.#settle();
  }

  async #updateFailed({ version, reason }: Frame<"update-failed">): Promise<void> {
    this.#outbox.addChange({ type: "update-failed", at: iso(), version, reason });
    await this.#settle();
  }

  async #event(socket: WebSocket, { sequence, vm, epoch }: Frame<"event">): Promise<void> {
    if (sequence > this.#session.current.eventSequence) {
      this.#session.update({ eventSequence: sequence });
      this.#outbox.addChange({ type: "vms", at: iso(), vms: [vm] });
    }
    this.#send(socket, { type: "event-ack", epoch, sequence });
    await this.#settle();
  }

  /** One end for each operation: a second one, whatever it says, changes nothing. */
  #end(change: Extract<Change, { type: "ended" }>): void {
    this.#progressAt.delete(change.operationId);
    if (this.#outbox.end(change.operationId)) this.#outbox.addChange(change);
  }

  async #takeOver(): Promise<void> {
    const deadlineAt = Date.now() + linkLimits.deliveryDeadlineMs;
    for (const operation of await queuedOperations(this.env.DB, this.#session.current.hostId)) {
      this.#outbox.put(operation, deadlineAt);
    }
    this.#deliver();
    await this.#schedule();
  }

  /** Sends what waits, as far as the window is open. */
  #deliver(): void {
    const socket = this.#currentSocket();
    const { synced, epoch, journalId } = this.#session.current;
    if (!socket || !synced) return;
    const open = this.#outbox.open();
    let inFlight = open.filter(({ state }) => state !== "waiting").length;
    for (const entry of open) {
      if (entry.state !== "waiting") continue;
      if (inFlight >= linkLimits.maxInFlight) return;
      this.#outbox.sent(entry.id, journalId);
      this.#send(socket, executeFrame(entry, epoch));
      inFlight++;
    }
  }

  async #lost(socket: WebSocket): Promise<void> {
    const { epoch } = socket.deserializeAttachment() as Attachment;
    if (epoch === 0 || epoch !== this.#session.current.epoch) return;
    this.#offline();
    await this.#settle();
  }

  #offline(): void {
    const { epoch } = this.#session.current;
    this.#session.update({ connected: false, synced: false });
    this.#outbox.addChange({ type: "host-offline", at: iso(), epoch });
  }

  async #settle(): Promise<void> {
    const flushed = await this.#projector.flush(this.#session.current.hostId);
    await this.#schedule(flushed ? null : Date.now() + projectionRetryMs);
  }

  /** One alarm an object: it is set to the earliest thing that must be looked at. */
  async #schedule(retryAt: number | null = null): Promise<void> {
    const silenceAt = this.#session.current.connected ? Date.now() + linkLimits.edgeDeadMs : null;
    const times = [retryAt, this.#outbox.nextDeadline(), silenceAt].filter((time) => time !== null);
    if (times.length === 0) return;
    const earliest = Math.max(Math.min(...times), Date.now());
    const present = await this.ctx.storage.getAlarm();
    if (present === null || present > earliest) await this.ctx.storage.setAlarm(earliest);
  }

  #currentSocket(): WebSocket | null {
    const { epoch } = this.#session.current;
    const isCurrent = (socket: WebSocket) => (socket.deserializeAttachment() as Attachment).epoch === epoch;
    return (epoch > 0 && this.ctx.getWebSockets().find(isCurrent)) || null;
  }

  #silentFor(socket: WebSocket, now: number): number {
    const { openedAt } = socket.deserializeAttachment() as Attachment;
    return now - Math.max(openedAt, this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
  }

  #send(socket: WebSocket, frame: EdgeFrame): void {
    try {
      socket.send(JSON.stringify(frame));
    } catch {
      // It closed under our hands. What it did not get is sent in the next session.
    }
  }
}

/** The sweep wakes the object again for what D1 could not give it now. */
function logTakeOver(error: Error): void {
  console.error(
    JSON.stringify({ level: "error", source: "host-link", message: `Taking over failed: ${error.message}` }),
  );
}
