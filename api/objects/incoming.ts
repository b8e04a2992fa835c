/** What an object does with each frame of the current session: it stores what arrived before it answers. */
import { projectProgress } from "../../db/projection.ts";
import { type AgentFrame, linkLimits } from "../../protocol/agent-link.ts";
import { tellHubsOfProgress } from "../hubs.ts";
import { endedUnseen, iso } from "./frames.ts";
import type { HostParts } from "./host-parts.ts";
import { settleReport } from "./reconcile.ts";
import { account, adopt } from "./unknown-machines.ts";

type Frame<T extends AgentFrame["type"]> = Extract<AgentFrame, { type: T }>;

const progressEveryMs = 1_000;
const startedDelayMs = 100;

export class Incoming {
  readonly #parts: HostParts;
  readonly #progressAt = new Map<string, number>();

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  async take(socket: WebSocket, frame: Exclude<AgentFrame, { type: "hello" }>): Promise<void> {
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
      case "described":
        return adopt(this.#parts, frame.vms);
      case "stats":
        return this.#stats(frame);
      case "update-failed":
        return this.#updateFailed(frame);
      case "cancelled":
        return this.#parts.cancelAnswers.tell(frame.operationId, frame.effect);
    }
  }

  async #report(socket: WebSocket, report: Frame<"report">): Promise<void> {
    const { session, outbox, sockets, delivery } = this.#parts;
    const room = linkLimits.maxVmsPerHost - session.reported("vm").length;
    const vms = report.vms.slice(0, Math.max(0, room));
    session.addReported(
      "vm",
      vms.map(({ vmId }) => vmId),
    );
    session.addReported(
      "operation",
      report.operations.map(({ operationId }) => operationId),
    );
    if (vms.length > 0) outbox.addChange({ type: "vms", at: iso(), vms });
    if (!report.last) return;

    const { wanted, unknown } = settleReport(outbox, session);
    for (const entry of unknown) {
      const message = "The host's journal was lost: the operation may or may not have taken effect";
      delivery.end(endedUnseen(entry, "unknown", "OUTCOME_UNKNOWN", message));
    }
    outbox.addChange({ type: "vms-missing", at: iso(), present: session.reported("vm") });
    session.update({ synced: true, unaccounted: true });
    sockets.send(socket, { type: "sync", epoch: report.epoch, wanted });
    delivery.send();
    if (!this.#parts.watch.isEmpty) this.#parts.sendWatch();
    await delivery.takeOver().catch(logTakeOver);
    await this.#parts.settle();
    await account(this.#parts);
    await this.#parts.settle();
  }

  async #accepted(operationId: string): Promise<void> {
    const { outbox } = this.#parts;
    const entry = outbox.find(operationId);
    if (!entry || !outbox.accepted(operationId)) return;
    outbox.addChange({ type: "started", at: iso(), operationId, vmId: entry.vmId });
    // Most operations end sooner than this, and then beginning and end are one write.
    await scheduler.wait(startedDelayMs);
    await this.#parts.settle();
  }

  async #rejected({ operationId, code, message }: Frame<"reject">): Promise<void> {
    const entry = this.#parts.outbox.find(operationId);
    if (!entry) return;
    this.#parts.delivery.end(endedUnseen(entry, "failed", code, message));
    await this.#parts.settle();
  }

  async #progress({ operationId, percent, step, message }: Frame<"progress">): Promise<void> {
    const last = this.#progressAt.get(operationId) ?? 0;
    if (Date.now() - last < progressEveryMs) return;
    this.#progressAt.set(operationId, Date.now());
    const { env } = this.#parts;
    const told = await projectProgress(env.DB, { operationId, percent, step, message }).catch(() => null);
    if (told?.operation) void tellHubsOfProgress(env, told.hubs, told.operation);
  }

  async #stats(frame: Frame<"stats">): Promise<void> {
    const { watch, session } = this.#parts;
    if (await watch.tell(session.current.hostId, frame)) this.#parts.sendWatch();
  }

  async #done(socket: WebSocket, { operationId, outcome, vm, epoch }: Frame<"done">): Promise<void> {
    const { outbox, sockets, delivery } = this.#parts;
    this.#progressAt.delete(operationId);
    const entry = outbox.find(operationId);
    if (entry) {
      // Kind and machine are what was asked for, whatever the agent says that it did.
      const { kind, vmId } = entry;
      const isForeign = vm !== null && vm.vmId !== vmId;
      delivery.end({ type: "ended", at: iso(), operationId, kind, vmId, outcome, vm: isForeign ? "unseen" : vm });
    }
    sockets.send(socket, { type: "done-ack", epoch, operationId });
    delivery.send();
    await this.#parts.settle();
  }

  async #updateFailed({ version, reason }: Frame<"update-failed">): Promise<void> {
    this.#parts.outbox.addChange({ type: "update-failed", at: iso(), version, reason });
    await this.#parts.settle();
  }

  async #event(socket: WebSocket, { sequence, vm, epoch }: Frame<"event">): Promise<void> {
    const { session, outbox, sockets } = this.#parts;
    if (sequence > session.current.eventSequence) {
      session.update({ eventSequence: sequence });
      outbox.addChange({ type: "vms", at: iso(), vms: [vm] });
    }
    sockets.send(socket, { type: "event-ack", epoch, sequence });
    await this.#parts.settle();
  }
}

/** The sweep wakes the object again for what D1 could not give it now. */
function logTakeOver(error: Error): void {
  console.error(
    JSON.stringify({ level: "error", source: "host-link", message: `Taking over failed: ${error.message}` }),
  );
}
