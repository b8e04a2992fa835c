/**
 * What the agent says on the link and what it does with what it hears.
 *
 * An order is accepted only once it is in the journal, and an end is told in every session until it is acknowledged.
 */
import type { AgentFrame, EdgeFrame, ExecuteFrame, LinkFeature } from "../protocol/agent-link.ts";
import { linkLimits, linkProtocol } from "../protocol/agent-link.ts";
import { operationInputs, type VmReport, type VmSpec } from "../protocol/operations.ts";
import type { HostSample, VmSample, WatchOrder } from "../protocol/samples.ts";
import type { StreamOrder } from "../protocol/streams.ts";
import { crashPoint } from "./crash-point.ts";
import type { Journal, JournalEvent, JournalOperation } from "./journal.ts";
import type { Hello, LinkHandlers, OutgoingFrame } from "./link.ts";
import type { Progress } from "./operations/engine.ts";
import type { VmTable } from "./vm-table.ts";

/** What a session needs of the journal; the real one is on disk. */
export type SessionJournal = Pick<
  Journal,
  | ("rememberEpoch" | "accept" | "find" | "entries" | "unacknowledged" | "acknowledge")
  | ("events" | "addEvent" | "acknowledgeEvents")
>;

/** What a session needs to know of the machines. */
export interface SessionVms extends Pick<VmTable, "report" | "reports"> {
  get(vmId: string): { readonly generation: number; readonly spec: VmSpec } | null;
}

export interface SessionOptions {
  readonly journal: SessionJournal;
  readonly vms: SessionVms;
  readonly send: (frame: OutgoingFrame) => boolean;
  readonly run: (operation: JournalOperation) => void;
  /** Takes back what has not begun, and tells its end. False where it is too late. */
  readonly cancel: (operation: JournalOperation) => Promise<boolean>;
  readonly openStream: (order: StreamOrder) => Promise<void>;
  /** Null: the link is gone, and nothing is watched. */
  readonly watch: (order: WatchOrder | null) => void;
  readonly hello: () => Promise<Hello>;
  readonly log: (line: string) => void;
  /** The edge wants this agent to become another version. */
  readonly onUpdate: (version: string) => void;
  /** The edge has said what it still wants: this host is in service. */
  readonly onSynced: () => void;
}

export class Session implements LinkHandlers {
  readonly #options: SessionOptions;
  #synced = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The edge has said what it wants, in the session that stands. */
  get isSynced(): boolean {
    return this.#synced;
  }

  hello(): Promise<Hello> {
    return this.#options.hello();
  }

  welcome(epoch: number): void {
    this.#options.journal.rememberEpoch(epoch);
  }

  closed(): void {
    this.#synced = false;
    this.#options.watch(null);
  }

  log(line: string): void {
    this.#options.log(line);
  }

  /** Every machine and every operation that has not ended for both sides, in pages. */
  async report(): Promise<void> {
    const vms = await this.#options.vms.reports();
    const operations = this.#options.journal.entries();
    const size = linkLimits.reportPageSize;
    const pages = Math.max(1, Math.ceil(Math.max(vms.length, operations.length) / size));
    for (let page = 0; page < pages; page++) {
      const [from, to] = [page * size, (page + 1) * size];
      this.#options.send({
        type: "report",
        vms: vms.slice(from, to),
        operations: operations.slice(from, to),
        last: page === pages - 1,
      });
    }
  }

  frame(frame: Exclude<EdgeFrame, { type: "welcome" }>): void | Promise<void> {
    switch (frame.type) {
      case "sync":
        return this.#sync(frame.wanted);
      case "execute":
        return this.#execute(frame);
      case "done-ack":
        return this.#acknowledged(frame.operationId);
      case "event-ack":
        return this.#options.journal.acknowledgeEvents(frame.sequence);
      case "describe":
        return this.#describe(frame.vmIds);
      case "cancel":
        return void this.#cancel(frame.operationId);
      case "open-stream":
        return void this.#options.openStream(frame.order);
      case "watch":
        return this.#options.watch(frame.order);
      case "update":
        return this.#options.onUpdate(frame.version);
    }
  }

  /** Tells the end of an operation, if there is a session; the next one tells it again otherwise. */
  ended(operationId: string): void {
    const operation = this.#options.journal.find(operationId);
    if (operation?.state === "done" && this.#synced) this.#sendDone(operation);
  }

  progress(progress: Progress): void {
    if (this.#synced) this.#options.send({ type: "progress", ...progress });
  }

  stats(samples: { vms: VmSample[]; host: HostSample | null }): void {
    if (this.#synced) this.#options.send({ type: "stats", ...samples });
  }

  event(event: JournalEvent["event"], vm: VmReport, message: string): void {
    try {
      const entry = this.#options.journal.addEvent(event, vm, message);
      if (this.#synced) this.#options.send({ type: "event", ...entry });
    } catch (error) {
      // The next report tells what the machine is.
      this.#options.log(`${event} of ${vm.vmId} is not in the journal: ${(error as Error).message}`);
    }
  }

  async #sync(wanted: readonly string[]): Promise<void> {
    const { journal, vms, send, onSynced } = this.#options;
    this.#synced = true;
    for (const operation of journal.unacknowledged()) {
      if (wanted.includes(operation.id)) this.#sendDone(operation);
      else journal.acknowledge(operation.id);
    }
    for (const event of journal.events()) {
      // As it is now: what it was then is older than the report that the edge has just had.
      const vm = await vms.report(event.vm.vmId);
      if (vm) send({ type: "event", ...event, vm });
    }
    onSynced();
  }

  #acknowledged(operationId: string): void {
    const { journal } = this.#options;
    crashPoint(`${journal.find(operationId)?.kind}:done-ack:before`);
    journal.acknowledge(operationId);
  }

  /** Machines that the edge has forgotten: it takes them in again. */
  async #describe(vmIds: readonly string[]): Promise<void> {
    const { vms, send } = this.#options;
    const described = await Promise.all(
      vmIds.map(async (id) => ({ vm: await vms.report(id), spec: vms.get(id)?.spec })),
    );
    send({ type: "described", vms: described.flatMap(({ vm, spec }) => (vm && spec ? [{ vm, spec }] : [])) });
  }

  #execute(frame: ExecuteFrame): void {
    const { journal, run } = this.#options;
    const known = journal.find(frame.operationId);
    if (known) return this.#answerAgain(known);

    const refusal = this.#refusal(frame);
    if (refusal) {
      this.#options.send({ type: "reject", operationId: frame.operationId, ...refusal });
      return;
    }
    crashPoint(`${frame.kind}:journal:before`);
    const { operationId: id, kind, vmId, generation, input } = frame;
    try {
      journal.accept({ id, kind, vmId, generation, input });
    } catch (error) {
      const message = `The host's journal takes nothing, so nothing was done: ${(error as Error).message}`;
      this.#options.send({ type: "reject", operationId: id, code: "NO_SPACE", message });
      return;
    }
    crashPoint(`${frame.kind}:journal:after`);
    this.#options.send({ type: "accept", operationId: id });
    run(journal.find(id) as JournalOperation);
  }

  /** An order that never came here can't begin here either: the edge doesn't send it again after this answer. */
  async #cancel(operationId: string): Promise<void> {
    const { journal, cancel, send, log } = this.#options;
    const operation = journal.find(operationId);
    try {
      const taken = operation === null || (operation.state === "accepted" && (await cancel(operation)));
      send({ type: "cancelled", operationId, effect: taken ? "not-started" : "too-late" });
    } catch (error) {
      log(`Cancelling ${operationId} failed: ${(error as Error).message}`);
    }
  }

  #refusal(frame: ExecuteFrame): { code: string; message: string } | null {
    const input = operationInputs[frame.kind].safeParse(frame.input);
    if (!input.success) {
      const where = input.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
      return { code: "INVALID_ORDER", message: where.slice(0, 2000) };
    }
    const present = this.#options.vms.get(frame.vmId)?.generation ?? 0;
    if (frame.generation < present) {
      return { code: "STALE_GENERATION", message: `The machine here is of generation ${present}` };
    }
    if (frame.deadlineMs <= 0) return { code: "OPERATION_EXPIRED", message: "It arrived after its deadline" };
    return null;
  }

  #answerAgain(operation: JournalOperation): void {
    if (operation.outcome && (operation.state === "done" || operation.state === "acknowledged")) {
      this.#sendDone(operation);
    } else {
      this.#options.send({ type: "accept", operationId: operation.id });
    }
  }

  #sendDone({ id, kind, vmId, outcome, vm }: JournalOperation): void {
    if (outcome) this.#options.send({ type: "done", operationId: id, kind, vmId, outcome, vm });
  }
}

/** What every `hello` of this version says of the link itself. */
export const helloBasics = {
  protocol: { ...linkProtocol },
  features: ["describe", "samples", "streams"] as LinkFeature[],
} satisfies Partial<Extract<AgentFrame, { type: "hello" }>>;
