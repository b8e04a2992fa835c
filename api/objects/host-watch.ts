/**
 * Who watches this host: each hub's order, the one for the host that is made of them, and the samples on their way back.
 *
 * Nobody must end what they began: a hub that is gone, or that wants nothing of this host any more, says so when it is
 * sent the next sample, and is forgotten. The host samples what is left.
 */
import type { HostSample, VmSample, WatchOrder } from "../../protocol/samples.ts";
import type { Env } from "../env.ts";

export interface Samples {
  readonly vms: readonly VmSample[];
  readonly host: HostSample | null;
}

const prefix = "watch:";
const mostVms = 500;

export class HostWatch {
  readonly #kv: SyncKvStorage;
  readonly #env: Env;
  /** Hubs that have not answered yet; samples may be lost. */
  readonly #asked = new Set<string>();

  constructor(kv: SyncKvStorage, env: Env) {
    this.#kv = kv;
    this.#env = env;
  }

  /** Null: the hub watches nothing here. True where the host must hear of it. */
  set(hub: string, order: WatchOrder | null): boolean {
    const before = JSON.stringify(this.order());
    if (order) this.#kv.put(`${prefix}${hub}`, order);
    else this.#kv.delete(`${prefix}${hub}`);
    return JSON.stringify(this.order()) !== before;
  }

  /** What the host is to sample: each thing as often as the most eager of them wants it. */
  order(): WatchOrder {
    const vms = new Map<string, number>();
    let hostIntervalMs: number | null = null;
    for (const [, order] of this.#orders()) {
      for (const { vmId, intervalMs } of order.vms) vms.set(vmId, Math.min(intervalMs, vms.get(vmId) ?? Infinity));
      if (order.hostIntervalMs !== null) hostIntervalMs = Math.min(order.hostIntervalMs, hostIntervalMs ?? Infinity);
    }
    const all = [...vms].map(([vmId, intervalMs]) => ({ vmId, intervalMs }));
    return { vms: all.slice(0, mostVms), hostIntervalMs };
  }

  get isEmpty(): boolean {
    return this.#orders().length === 0;
  }

  /** Hands each hub what it asked for, and nothing else. True where one was forgotten, so that the host must hear of it. */
  async tell(hostId: string, samples: Samples): Promise<boolean> {
    const changed = await Promise.all(
      this.#orders().map(async ([hub, order]) => {
        const wanted = new Set(order.vms.map(({ vmId }) => vmId));
        const vms = samples.vms.filter(({ vmId }) => wanted.has(vmId));
        const host = order.hostIntervalMs === null ? null : samples.host;
        if ((vms.length === 0 && host === null) || this.#asked.has(hub)) return false;
        this.#asked.add(hub);
        const isWanted = await this.#env.USER_HUB.getByName(hub)
          .samples(hostId, { vms, host })
          .catch(() => false);
        this.#asked.delete(hub);
        return !isWanted && this.set(hub, null);
      }),
    );
    return changed.includes(true);
  }

  #orders(): [hub: string, order: WatchOrder][] {
    return [...this.#kv.list<WatchOrder>({ prefix })].map(([key, order]) => [key.slice(prefix.length), order]);
  }
}
