/**
 * Reads how busy one machine is: QEMU's process, its monitor, and what the guest itself tells.
 *
 * QEMU 7.2 counts no bytes of user networking, so those come from the guest agent's own counters; without an agent
 * there are none.
 */
import { readFile } from "node:fs/promises";
import type { Machine } from "../machine.ts";
import { GuestNetwork } from "./guest-network.ts";
import { parseProcessMemory, parseProcessSeconds } from "./proc.ts";
import type { VmReading } from "./readings.ts";

const balloon = "/machine/peripheral/balloon0";
const mib = 1_048_576;

/** For one life of a machine. `stop()` when nobody watches any more: the guest is then left in peace. */
export class VmMeter {
  readonly #machine: Machine;
  readonly #network: GuestNetwork;
  #asksGuest = false;

  constructor(machine: Machine, guestAgent: string) {
    this.#machine = machine;
    this.#network = new GuestNetwork(guestAgent);
  }

  /** Errors: the process or its monitor is gone or silent. */
  async read(): Promise<VmReading> {
    const { pid } = this.#machine;
    const [stat, status, cpus, memory, disks, network] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/status`, "utf8"),
      this.#machine.qmp<unknown[]>("query-cpus-fast"),
      this.#machine.qmp<{ "base-memory": number; "plugged-memory"?: number }>("query-memory-size-summary"),
      this.#machine.qmp<BlockStats[]>("query-blockstats"),
      this.#network.read(),
    ]);
    const total = (memory["base-memory"] + (memory["plugged-memory"] ?? 0)) / mib;
    return {
      at: new Date(),
      clockMs: performance.now(),
      pid,
      cores: cpus.length,
      cpuSeconds: parseProcessSeconds(stat),
      memory: { total, used: Math.min((await this.#guestUses()) ?? parseProcessMemory(status), total) },
      disk: {
        read: disks.reduce((sum, { stats }) => sum + stats.rd_bytes, 0),
        write: disks.reduce((sum, { stats }) => sum + stats.wr_bytes, 0),
      },
      network,
    };
  }

  async stop(): Promise<void> {
    if (this.#asksGuest) await this.#pollGuest(0).catch(() => {});
  }

  /** MiB; null where the guest has no balloon driver, or has not answered it yet. */
  async #guestUses(): Promise<number | null> {
    try {
      if (!this.#asksGuest) {
        await this.#pollGuest(2);
        this.#asksGuest = true;
      }
      const get = { path: balloon, property: "guest-stats" };
      const { stats } = await this.#machine.qmp<{ stats: Record<string, number> }>("qom-get", get);
      const [total, available] = [stats["stat-total-memory"] ?? 0, stats["stat-available-memory"] ?? 0];
      // What the guest has not told is the greatest number that QEMU knows.
      return total > 0 && total < 2 ** 60 && available <= total ? (total - available) / mib : null;
    } catch {
      // A process that an older agent started has no balloon of this name.
      return null;
    }
  }

  #pollGuest(seconds: number): Promise<unknown> {
    return this.#machine.qmp("qom-set", { path: balloon, property: "guest-stats-polling-interval", value: seconds });
  }
}

interface BlockStats {
  readonly stats: { readonly rd_bytes: number; readonly wr_bytes: number };
}
