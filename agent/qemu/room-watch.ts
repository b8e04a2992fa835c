/**
 * Waits, for a guest that was paused because the host's disk is full, until there is room again.
 *
 * The guest has lost nothing: QEMU kept the request that failed and repeats it.
 */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";

const intervalMs = 2_000;
/** Less than this would be full again at once. */
const enoughBytes = 32 * 1024 ** 2;

export class RoomWatch {
  readonly #folder: string;
  readonly #onRoom: () => Promise<void>;
  #timer: NodeJS.Timeout | null = null;

  /** `onRoom` is called every two seconds while there is room and nobody calls `stop`. */
  constructor(disk: string, onRoom: () => Promise<void>) {
    this.#folder = dirname(disk);
    this.#onRoom = onRoom;
  }

  get waiting(): boolean {
    return this.#timer !== null;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#look().catch(() => {}), intervalMs).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #look(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder);
    if (this.waiting && bavail * bsize >= enoughBytes) await this.#onRoom();
  }
}
