/**
 * A host without QEMU: the agent's own link, session and identity, with machines that are only remembered.
 *
 * What it says of its machines is the truth that the edge's database is compared with.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Identity, newPrivateKey, spendToken } from "../../agent/identity.ts";
import type { JournalOperation } from "../../agent/journal.ts";
import { Link, type LinkHandlers, type OutgoingFrame } from "../../agent/link.ts";
import { helloBasics, Session } from "../../agent/session.ts";
import type { HostFacts, Outcome } from "../../protocol/agent-link.ts";
import type { VmReport } from "../../protocol/operations.ts";
import { type Conditions, type Fault, fine } from "./faults.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { SimulatedVms } from "./simulated-vms.ts";

export const simulatedFacts: HostFacts = {
  ...{ hostname: "simulated", os: "none", kernel: "none", arch: "x64", qemuVersion: "7.2.22" },
  ...{ cpus: 64, memoryMib: 524_288, diskGib: 10_000, diskFreeGib: 10_000 },
  ...{ accelerator: "kvm", acceleratorReason: "a simulation", images: ["img-tiny"] },
};

export interface HostOptions {
  readonly facts?: HostFacts;
  /** When an order is in the journal. */
  readonly onAccept?: (operationId: string) => void;
  readonly random?: () => number;
}

/** One life of the agent, which a restart ends. */
interface Life {
  readonly link: Link;
  readonly session: Session;
  over: boolean;
}

export class SimulatedHost {
  readonly identity: Identity;
  readonly vms: SimulatedVms;
  readonly conditions: Conditions = { ...fine };
  journal = new MemoryJournal();
  synced = false;
  /** How often it has been in a session that the edge has synchronised. */
  sessions = 0;
  readonly #options: HostOptions;
  readonly #tails = new Map<string, Promise<void>>();
  #life: Life | null = null;
  #whenSynced = Promise.withResolvers<void>();

  constructor(identity: Identity, options: HostOptions = {}) {
    this.identity = identity;
    this.#options = options;
    this.vms = new SimulatedVms((options.facts ?? simulatedFacts).accelerator ?? "tcg");
  }

  /** `token` is the one that `POST /hosts` answers. */
  static async enrolled(origin: string, token: string, options: HostOptions = {}): Promise<SimulatedHost> {
    return new SimulatedHost(await spendToken(origin, token, await newPrivateKey()), options);
  }

  /** Resolves when the edge has synchronised: it sends orders from then on. */
  async start(): Promise<void> {
    const life = this.#begin();
    this.#life = life;
    void life.link.run();
    for (const operation of this.journal.unfinished()) this.#run(life, operation);
    await this.#whenSynced.promise;
  }

  stop(): void {
    if (!this.#life) return;
    this.#life.over = true;
    this.#life.link.stop();
    this.#life = null;
    this.#lost();
  }

  suffer(fault: Fault, foreign: VmReport | null): void {
    switch (fault.fault) {
      case "disconnect":
        return this.#life?.link.drop();
      case "restart":
        return this.#restart();
      case "lose-journal":
        this.journal = new MemoryJournal();
        return this.#restart();
      case "report-foreign":
        this.vms.foreign = foreign;
        return this.#life?.link.drop();
      case "crash-vm": {
        const victim = this.vms.ids.find((id) => this.vms.crash(id));
        if (victim) this.#life?.session.event("vm.crashed", this.vms.look(victim) as VmReport, "The simulation did it");
        return;
      }
      case "delay":
        return this.#during(fault.seconds, "delayMs", fault.ms);
      case "slow":
        return this.#during(fault.seconds, "slowMs", fault.ms);
      case "duplicate":
        return this.#during(fault.seconds, "duplicate", true);
      case "drop-answers":
        return this.#during(fault.seconds, "dropPart", fault.part);
    }
  }

  #during<K extends keyof Conditions>(seconds: number | undefined, name: K, value: Conditions[K]): void {
    this.conditions[name] = value;
    if (seconds === undefined) return;
    setTimeout(() => (this.conditions[name] = fine[name]), seconds * 1000).unref();
  }

  #restart(): void {
    this.stop();
    void this.start();
  }

  #lost(): void {
    if (!this.synced) return;
    this.synced = false;
    this.#whenSynced = Promise.withResolvers();
  }

  #begin(): Life {
    const journal = this.journal;
    let told = Promise.resolve();
    let heard = Promise.resolve();
    const late = (turn: Promise<void>, act: () => unknown) =>
      turn.then(async () => {
        if (this.conditions.delayMs > 0) await sleep(this.conditions.delayMs);
        if (!life.over) await act();
      });
    const session = new Session({
      journal,
      vms: this.vms,
      log: () => {},
      send: (frame) => {
        told = late(told, () => this.#send(life, frame));
        return true;
      },
      run: (operation) => {
        this.#options.onAccept?.(operation.id);
        this.#run(life, operation);
      },
      cancel: async (operation) => this.#cancel(life, operation),
      // It names none of these among its features, so none is asked of it.
      openStream: async () => {},
      watch: () => {},
      onUpdate: () => {},
      hello: async () => ({
        ...helloBasics,
        features: ["describe"],
        agentVersion: "0.0.0-simulated",
        bootId: "simulated",
        journalId: journal.id,
        greatestEpoch: journal.greatestEpoch,
        facts: this.#options.facts ?? simulatedFacts,
      }),
      onSynced: () => {
        this.synced = true;
        this.sessions++;
        this.#whenSynced.resolve();
      },
    });
    const handlers: LinkHandlers = {
      hello: () => session.hello(),
      welcome: (epoch) => session.welcome(epoch),
      report: () => session.report(),
      frame: (frame) => {
        heard = late(heard, () => session.frame(frame));
        return heard;
      },
      closed: () => {
        session.closed();
        if (!life.over) this.#lost();
      },
      log: () => {},
    };
    const life: Life = { link: new Link(this.identity, handlers), session, over: false };
    return life;
  }

  #send({ link }: Life, frame: OutgoingFrame): void {
    const { dropPart, duplicate } = this.conditions;
    const random = this.#options.random ?? Math.random;
    if ((frame.type === "accept" || frame.type === "done") && random() < dropPart) return link.drop();
    link.send(frame);
    if (duplicate) link.send(frame);
  }

  /** Those of one machine one after the other, as on a real host. */
  #run(life: Life, { id, vmId }: JournalOperation): void {
    const { journal } = this;
    const tail = (this.#tails.get(vmId) ?? Promise.resolve()).then(async () => {
      if (this.conditions.slowMs > 0) await sleep(this.conditions.slowMs);
      const operation = journal.find(id);
      if (life.over || operation?.state !== "accepted") return;
      journal.finish(id, this.vms.apply(operation), this.vms.look(vmId));
      life.session.ended(id);
    });
    this.#tails.set(vmId, tail);
    void tail.finally(() => {
      if (this.#tails.get(vmId) === tail) this.#tails.delete(vmId);
    });
  }

  #cancel(life: Life, { id, vmId, state }: JournalOperation): boolean {
    if (state !== "accepted") return false;
    const outcome: Outcome = { status: "cancelled", code: "CANCELLED", message: "It had not begun", result: null };
    this.journal.finish(id, outcome, this.vms.look(vmId));
    life.session.ended(id);
    return true;
  }
}
