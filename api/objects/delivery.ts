/**
 * Operations on their way: taken over from D1 in the order of their acceptance, sent while the window is open, ended once.
 *
 * An operation is stored as sent before it goes out.
 */
import { type Change } from "../../db/projection.ts";
import { type QueuedOperation, takeQueued } from "../../db/pending.ts";
import { linkLimits } from "../../protocol/agent-link.ts";
import { tellHubs } from "../hubs.ts";
import { Coalesced } from "./coalesced.ts";
import { endedUnseen, executeFrame } from "./frames.ts";
import type { HostParts } from "./host-parts.ts";

export class Delivery {
  readonly #parts: HostParts;
  readonly #takingOver = new Coalesced(() => this.#takeOver());

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Takes over what D1 has queued for this host and sends it. Errors: D1's. */
  takeOver(): Promise<void> {
    return this.#takingOver.run();
  }

  /** What has been here before is left out, however late the caller comes with it. */
  async take(queued: readonly QueuedOperation[]): Promise<void> {
    const { outbox, alarm } = this.#parts;
    for (const operation of queued) outbox.put(operation);
    this.send();
    await alarm.arm();
  }

  /** Sends what waits, as far as the window is open. */
  send(): void {
    const { outbox, session, sockets } = this.#parts;
    const socket = sockets.current();
    const { synced, epoch, journalId, quarantined } = session.current;
    if (!socket || !synced || quarantined) return;
    const open = outbox.open();
    let inFlight = open.filter(({ state }) => state !== "waiting").length;
    for (const entry of open) {
      if (entry.state !== "waiting") continue;
      if (inFlight >= linkLimits.maxInFlight) return;
      outbox.sent(entry.id, journalId);
      sockets.send(socket, executeFrame(entry, epoch));
      inFlight++;
    }
  }

  /** One end for each operation: a second one, whatever it says, changes nothing. */
  end(change: Extract<Change, { type: "ended" }>): void {
    const { outbox } = this.#parts;
    if (outbox.end(change.operationId)) outbox.addChange(change);
  }

  /** Ends what its host has not taken in time. */
  expire(now: number): void {
    const minutes = linkLimits.deliveryDeadlineMs / 60_000;
    const message = `The host was not there for ${minutes} minutes; nothing was done`;
    for (const entry of this.#parts.outbox.expired(now)) {
      this.end(endedUnseen(entry, "failed", "OPERATION_EXPIRED", message));
    }
  }

  async #takeOver(): Promise<void> {
    const { env, session } = this.#parts;
    const { queued, hubs } = await takeQueued(env.DB, session.current.hostId);
    void tellHubs(env, hubs);
    await this.take(queued);
  }
}
