/**
 * The one alarm that an object has, set to the earliest thing that must be looked at; none while nothing is due.
 *
 * An alarm costs a request and a written row, so a healthy idle host has none: the sweep looks at each host once a minute,
 * and only silence that it finds gets an alarm, at the very moment at which the host counts as gone.
 */
import { linkLimits } from "../../protocol/agent-link.ts";
import type { HostParts } from "./host-parts.ts";
import { wakeAt } from "./wake-at.ts";

/** Silence that is not yet an end when the sweep looks, and would be one before it looks again. */
const suspectMs = linkLimits.edgeDeadMs - linkLimits.lookEveryMs;

type Parts = Pick<HostParts, "outbox" | "session" | "sockets">;

export class HostAlarm {
  readonly #storage: DurableObjectStorage;
  readonly #parts: Parts;

  constructor(storage: DurableObjectStorage, parts: Parts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** `at`: something else to look at, in ms since 1970. */
  async arm(at: number | null = null): Promise<void> {
    const now = Date.now();
    const deadAt = this.deadAt();
    const isSuspect = deadAt !== null && deadAt - now <= linkLimits.edgeDeadMs - suspectMs;
    const times = [at, this.#parts.outbox.nextDeadline(), isSuspect ? deadAt : null].filter((time) => time !== null);
    if (times.length === 0) return;
    await wakeAt(this.#storage, Math.max(Math.min(...times), now));
  }

  async disarm(): Promise<void> {
    await this.#storage.deleteAlarm();
  }

  /** When the session counts as over unless something is heard; null where there is none. Notes that a socket is gone. */
  deadAt(): number | null {
    const { session, sockets } = this.#parts;
    if (!session.current.connected) return null;
    const socket = sockets.current();
    if (socket) return sockets.heardAt(socket) + linkLimits.edgeDeadMs;
    // The runtime restarted and took the socket with it: the agent has some time to come back.
    if (session.current.socketGoneAt === null) session.update({ socketGoneAt: Date.now() });
    return (session.current.socketGoneAt as number) + linkLimits.returnMs;
  }
}
