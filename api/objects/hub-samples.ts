/**
 * The samples that a hub's connections watch: which hosts must take them, and to whom each goes.
 *
 * What hosts were asked for is kept, so that a change is told them once and what was lost is told again.
 */
import { listHostIds } from "../../db/hosts.ts";
import { readPresentVm } from "../../db/present.ts";
import type { VmStatusMessage } from "../../protocol/client-socket.ts";
import type { HostSample, VmSample, WatchOrder } from "../../protocol/samples.ts";
import type { Env } from "../env.ts";
import { Coalesced } from "./coalesced.ts";
import type { Samples } from "./host-watch.ts";
import type { Connection, Session, Subscription } from "./hub-connection.ts";
import { sumOfHosts } from "./sum-of-hosts.ts";

const askedKey = "samples-asked";
const hostPrefix = "host-sample:";
/** For the figures of `vm-status`. */
const statusIntervalMs = 10_000;
/** Of the interval: a sample comes a little early now and then. */
const tolerance = 0.8;

export interface SampleAudience {
  /** The hub's own name. */
  name(): string;
  connections(): Connection[];
}

export class HubSamples {
  readonly #env: Env;
  readonly #kv: SyncKvStorage;
  readonly #audience: SampleAudience;
  readonly #asking = new Coalesced(() => this.#ask());
  /** When each subscription was last served, in ms since 1970. */
  readonly #served = new Map<string, number>();

  constructor(env: Env, kv: SyncKvStorage, audience: SampleAudience) {
    this.#env = env;
    this.#kv = kv;
    this.#audience = audience;
  }

  /** Brings the hosts in line with what is watched. Errors: one that can't be reached; the others are. */
  async settle(): Promise<void> {
    if (this.#watching().length > 0 || this.#asked.size > 0) await this.#asking.run();
  }

  /** Takes a host's samples. False: nobody here watches that host. */
  async take(hostId: string, samples: Samples): Promise<boolean> {
    if (samples.host) this.#kv.put<HostSample>(`${hostPrefix}${hostId}`, { ...samples.host, hostId });
    const watching = this.#watching();
    for (const { connection, subscription } of watching) {
      await this.#serve(connection, subscription, hostId, samples);
    }
    return watching.some(({ subscription }) => (subscription.hostId ?? hostId) === hostId);
  }

  async #serve(connection: Connection, subscription: Subscription, hostId: string, samples: Samples): Promise<void> {
    const vm = samples.vms.find(({ vmId }) => vmId === subscription.vmId);
    const isConcerned = subscription.topic === "system-monitor" ? samples.host !== null : vm !== undefined;
    if (!isConcerned || (subscription.hostId ?? hostId) !== hostId || connection.isFull) return;
    if (!this.#isDue(connection, subscription)) return;
    if (subscription.topic === "system-monitor") {
      const data = subscription.hostId === undefined ? this.#sum() : { ...(samples.host as HostSample), hostId };
      return connection.send({ type: "system-monitor", data });
    }
    if (subscription.topic === "vm-metrics") return connection.send({ type: "vm-metrics", data: vm as VmSample });
    const { rows } = await readPresentVm(this.#env.DB, connection.state.session as Session, subscription.vmId ?? "");
    if (rows[0]) connection.send({ type: "vm-status", data: withFigures(rows[0], vm as VmSample) });
  }

  #isDue({ state }: Connection, { topic, vmId, hostId, interval = statusIntervalMs }: Subscription): boolean {
    const key = `${state.id} ${topic} ${vmId} ${hostId}`;
    const now = Date.now();
    if (now - (this.#served.get(key) ?? 0) < interval * tolerance) return false;
    this.#served.set(key, now);
    return true;
  }

  #sum(): HostSample {
    return sumOfHosts([...this.#kv.list<HostSample>({ prefix: hostPrefix })].map(([, sample]) => sample));
  }

  async #ask(): Promise<void> {
    const wanted = await this.#orders();
    const asked = this.#asked;
    const hosts = [...new Set([...wanted.keys(), ...asked.keys()])];
    const changed = hosts.filter((hostId) => JSON.stringify(wanted.get(hostId)) !== asked.get(hostId));
    const told = await Promise.allSettled(
      changed.map(async (hostId) => {
        const order = wanted.get(hostId) ?? null;
        await this.#env.HOST_LINK.getByName(hostId).watch(hostId, this.#audience.name(), order);
        this.#note(hostId, order);
      }),
    );
    const failure = told.find(({ status }) => status === "rejected");
    if (failure) throw (failure as PromiseRejectedResult).reason;
  }

  async #orders(): Promise<Map<string, WatchOrder>> {
    const orders = new Map<string, WatchOrder>();
    const order = (hostId: string) => orders.get(hostId) ?? { vms: [], hostIntervalMs: null };
    const watching = this.#watching().map(({ subscription }) => subscription);
    const watchesAll = watching.some(({ topic, hostId }) => topic === "system-monitor" && hostId === undefined);
    const all = watchesAll ? await listHostIds(this.#env.DB) : [];
    for (const { topic, vmId, hostId, interval = statusIntervalMs } of watching) {
      if (topic === "system-monitor") {
        for (const id of hostId === undefined ? all : [hostId]) {
          const { vms, hostIntervalMs } = order(id);
          orders.set(id, { vms, hostIntervalMs: Math.min(interval, hostIntervalMs ?? Infinity) });
        }
      } else if (vmId !== undefined && hostId !== undefined) {
        const { vms, hostIntervalMs } = order(hostId);
        const before = vms.find((one) => one.vmId === vmId)?.intervalMs ?? Infinity;
        const others = vms.filter((one) => one.vmId !== vmId);
        orders.set(hostId, { vms: [...others, { vmId, intervalMs: Math.min(interval, before) }], hostIntervalMs });
      }
    }
    return orders;
  }

  get #asked(): Map<string, string> {
    return new Map(Object.entries(this.#kv.get<Record<string, string>>(askedKey) ?? {}));
  }

  #note(hostId: string, order: WatchOrder | null): void {
    const asked = this.#asked;
    if (order) asked.set(hostId, JSON.stringify(order));
    else asked.delete(hostId);
    if (order?.hostIntervalMs == null) this.#kv.delete(`${hostPrefix}${hostId}`);
    if (asked.size > 0) this.#kv.put(askedKey, Object.fromEntries(asked));
    else this.#kv.delete(askedKey);
  }

  #watching(): { readonly connection: Connection; readonly subscription: Subscription }[] {
    return this.#audience
      .connections()
      .flatMap((connection) =>
        connection.state.subscriptions
          .filter(
            ({ topic, hostId }) =>
              topic === "system-monitor" || topic === "vm-metrics" || (topic === "vm-status" && hostId !== undefined),
          )
          .map((subscription) => ({ connection, subscription })),
      );
  }
}

function withFigures(
  { id, name, status }: { readonly id: string; readonly name: string; readonly status: VmStatusMessage["status"] },
  { cpu, memory, network }: VmSample,
): VmStatusMessage {
  return { vmId: id, name, status, cpu: cpu.usage, memory: memory.usage, network };
}
