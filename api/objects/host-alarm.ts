/** The one alarm that an object has: always set to the earliest thing that must be looked at. */
import { linkLimits } from "../../protocol/agent-link.ts";
import type { HostParts } from "./host-parts.ts";

export class HostAlarm {
  readonly #storage: DurableObjectStorage;
  readonly #parts: Pick<HostParts, "outbox" | "session">;

  constructor(storage: DurableObjectStorage, parts: Pick<HostParts, "outbox" | "session">) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** `at`: something else to look at, in ms since 1970. */
  async arm(at: number | null = null): Promise<void> {
    const { session, outbox } = this.#parts;
    const silenceAt = session.current.connected ? Date.now() + linkLimits.edgeDeadMs : null;
    const times = [at, outbox.nextDeadline(), silenceAt].filter((time) => time !== null);
    if (times.length === 0) return;
    const earliest = Math.max(Math.min(...times), Date.now());
    const present = await this.#storage.getAlarm();
    if (present === null || present > earliest) await this.#storage.setAlarm(earliest);
  }

  async disarm(): Promise<void> {
    await this.#storage.deleteAlarm();
  }
}
