/** Many simulated hosts in one process: they join by the public enrolment, and suffer what a script says. */
import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "../../api/ids.ts";
import type { VmReport, VmSpec } from "../../protocol/operations.ts";
import { seeded } from "../placement/fleet.ts";
import type { ApiClient } from "./api-client.ts";
import type { FaultScript } from "./faults.ts";
import { SimulatedHost } from "./simulated-host.ts";

export interface FleetOptions {
  readonly hosts: number;
  /** Of each host, when it joins: the edge takes them in. */
  readonly vms: number;
  readonly seed?: number;
}

/** How many enrol at a time. */
const side = 16;

export class Fleet {
  readonly client: ApiClient;
  readonly hosts: SimulatedHost[] = [];
  /** By operation: when an order was in its host's journal, in ms of `performance.now()`. */
  readonly acceptedAt = new Map<string, number>();
  readonly random: () => number;

  private constructor(client: ApiClient, seed: number) {
    this.client = client;
    this.random = seeded(seed);
  }

  /** Enrols all of them; none is connected yet. */
  static async enrolled(client: ApiClient, { hosts, vms, seed = 1 }: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(client, seed);
    const run = Math.floor(Math.random() * 2 ** 32).toString(36);
    // Machines of different runs at one edge must not share addresses.
    let mac = Math.floor(Math.random() * 2 ** 24);
    let next = 0;
    const join = async () => {
      while (next < hosts) {
        const name = `sim-${run}-${++next}`;
        const { enrolment } = await client.call<{ enrolment: { token: string } }>("POST", "/hosts", { name });
        const host = await SimulatedHost.enrolled(client.origin, enrolment.token, {
          onAccept: (id) => fleet.acceptedAt.set(id, performance.now()),
          random: fleet.random,
        });
        for (let n = 0; n < vms; n++) host.vms.put(newId("vm"), specOf(mac++), n % 2 === 0 ? "running" : "stopped");
        fleet.hosts.push(host);
      }
    };
    await Promise.all(Array.from({ length: Math.min(side, hosts) }, join));
    return fleet;
  }

  /** Connects all of them, and resolves when the edge has synchronised with each. */
  async start(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.start()));
  }

  stop(): void {
    for (const host of this.hosts) host.stop();
  }

  get synced(): number {
    return this.hosts.filter(({ synced }) => synced).length;
  }

  async untilSynced(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.synced < this.hosts.length) {
      if (Date.now() > deadline) throw new Error(`${this.synced} of ${this.hosts.length} hosts are connected`);
      await sleep(50);
    }
  }

  /** Resolves when the last step has been done, and what lasts has ended. */
  async suffer(script: FaultScript): Promise<void> {
    const began = Date.now();
    let over = 0;
    for (const { at, percent, ...fault } of script.toSorted((a, b) => a.at - b.at)) {
      await sleep(Math.max(0, began + at * 1000 - Date.now()));
      const count = Math.ceil((this.hosts.length * percent) / 100);
      for (const host of this.#some(count)) host.suffer(fault, this.#machineBeside(host));
      over = Math.max(over, at + ("seconds" in fault ? (fault.seconds ?? 0) : 0));
    }
    await sleep(Math.max(0, began + over * 1000 - Date.now()));
  }

  /** A host and one of its machines, by chance. */
  pickVm(): { host: SimulatedHost; vm: VmReport } | null {
    const host = this.hosts[Math.floor(this.random() * this.hosts.length)];
    const ids = host?.vms.ids ?? [];
    const vm = host?.vms.look(ids[Math.floor(this.random() * ids.length)] ?? "");
    return host && vm ? { host, vm } : null;
  }

  #some(count: number): SimulatedHost[] {
    const keyed = this.hosts.map((host) => ({ host, key: this.random() }));
    return keyed
      .toSorted((a, b) => a.key - b.key)
      .slice(0, count)
      .map(({ host }) => host);
  }

  #machineBeside(own: SimulatedHost): VmReport | null {
    const other = this.hosts.find((host) => host !== own && host.vms.ids.length > 0);
    return other?.vms.look(other.vms.ids[0] as string) ?? null;
  }
}

function specOf(mac: number): VmSpec {
  const digits = (mac % 2 ** 24).toString(16).padStart(6, "0");
  return {
    ...{ cpu: 1, memory: 256, disk: 1, network: "user", autostart: false, uuid: crypto.randomUUID() },
    image: { id: "img-tiny", source: { from: "tiny" } },
    macAddress: `52:54:00:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4)}`,
  };
}
