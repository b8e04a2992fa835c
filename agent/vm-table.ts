/**
 * The machines of this host: what `vms/<id>/vm.json` says about each, and its QEMU process where one runs.
 *
 * The files on disk are the truth, not memory and not the journal: an agent that starts finds every machine and
 * adopts the processes that outlived it.
 */
import { EventEmitter } from "node:events";
import { mkdir, readdir, rm } from "node:fs/promises";
import * as z from "zod";
import { type VmReport, VmSpec } from "../protocol/operations.ts";
import { VmId, type VmPower } from "../protocol/vm.ts";
import { HostError } from "./errors.ts";
import type { JournalEvent } from "./journal.ts";
import { Machine } from "./machine.ts";
import type { HostPaths } from "./paths.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

const VmRecord = z.strictObject({
  generation: z.int().min(1),
  spec: VmSpec,
  /** The boot of the host in which somebody wanted it on; null: it is meant to be off. */
  onSinceBoot: z.string().nullable(),
  fault: z.enum(["crashed"]).nullable(),
});
export type VmRecord = z.infer<typeof VmRecord>;

interface Entry {
  record: VmRecord;
  machine: Machine | null;
  /** Its process lives and its monitor was silent when it was found. Nothing is started in its place. */
  hung: boolean;
}

export interface VmTableOptions {
  readonly paths: HostPaths;
  /** Null where no machine can run; `acceleratorReason` says why. */
  readonly accelerator: "kvm" | "tcg" | null;
  readonly acceleratorReason: string;
  readonly bootId: string;
  readonly log: (line: string) => void;
}

type Events = { event: [event: JournalEvent["event"], vm: VmReport, message: string] };

export class VmTable extends EventEmitter<Events> {
  readonly #entries = new Map<string, Entry>();
  /** Machines whose end is an operation's doing and no event. */
  readonly #ending = new Set<string>();
  readonly #options: VmTableOptions;

  constructor(options: VmTableOptions) {
    super();
    this.#options = options;
  }

  /** Finds what is there. Emits an event for each machine that should be running and isn't, so listen before. */
  async load(): Promise<void> {
    const { paths } = this.#options;
    await mkdir(paths.vmsDir, { recursive: true, mode: 0o700 });
    for (const id of await readdir(paths.vmsDir)) {
      if (!VmId.safeParse(id).success) continue;
      const record = await readRecord(paths.vm(id).record);
      // A creation that was cut before its record has nothing to keep; its operation, if any, begins again.
      if (record) await this.#find(id, record);
    }
  }

  /** After a restart of the host: starts what is meant to be on whenever the host is. */
  async startAutostart(): Promise<void> {
    for (const [id, { record }] of this.#entries) {
      if (!record.spec.autostart) continue;
      await this.start(id).catch((error: Error) =>
        this.#options.log(`${id} did not start by itself: ${error.message}`),
      );
    }
  }

  get(id: string): VmRecord | null {
    return this.#entries.get(id)?.record ?? null;
  }

  /** The machine's record, or the error that says that there is no such machine. */
  known(id: string): VmRecord {
    return this.#require(id).record;
  }

  machine(id: string): Machine | null {
    return this.#entries.get(id)?.machine ?? null;
  }

  /** The running machine, or the error that says what is missing. */
  running(id: string): Machine {
    const entry = this.#require(id);
    if (!entry.machine) throw new HostError("VM_NOT_RUNNING", `Machine ${id} is not running`);
    return entry.machine;
  }

  async add(id: string, generation: number, spec: VmSpec): Promise<void> {
    const { paths } = this.#options;
    await mkdir(paths.vm(id).dir, { recursive: true, mode: 0o700 });
    const record: VmRecord = { generation, spec, onSinceBoot: null, fault: null };
    await this.#save(id, record);
    this.#entries.set(id, { record, machine: null, hung: false });
  }

  /** Changes what the machine is. Its process, if one runs, keeps what it was started with until it is started anew. */
  async change(id: string, values: Partial<VmSpec>): Promise<void> {
    const entry = this.#require(id);
    const spec = VmSpec.parse({ ...entry.record.spec, ...values });
    await this.#save(id, (entry.record = { ...entry.record, spec }));
  }

  /** Starts the machine's process, or adopts the one that is there. Never leaves two. */
  async start(id: string): Promise<void> {
    const entry = this.#require(id);
    if (entry.machine) return;
    const context = this.#machineContext();
    await this.#save(id, (entry.record = { ...entry.record, onSinceBoot: this.#options.bootId, fault: null }));
    try {
      const machine = (await Machine.adopt(id, context)) ?? (await Machine.start(id, entry.record.spec, context));
      this.#attach(id, entry, machine);
    } catch (error) {
      await this.#save(id, (entry.record = { ...entry.record, onSinceBoot: null }));
      throw error;
    }
  }

  /** Runs `end`, which ends the machine's process, and remembers that this was wanted. */
  async end(id: string, end: (machine: Machine) => Promise<void>): Promise<void> {
    const entry = this.#require(id);
    this.#ending.add(id);
    try {
      // A monitor that does not answer can't be asked for anything: such a process is killed.
      if (entry.hung) await Machine.kill(id, this.#options);
      else if (entry.machine) await end(entry.machine);
      entry.hung = false;
      entry.machine = null;
      await this.#save(id, (entry.record = { ...entry.record, onSinceBoot: null, fault: null }));
    } finally {
      this.#ending.delete(id);
    }
  }

  /** Removes every trace of a machine that does not run. Harmless where nothing is left. */
  async remove(id: string): Promise<void> {
    const vm = this.#options.paths.vm(id);
    await rm(vm.dir, { recursive: true, force: true });
    await rm(vm.sockets, { recursive: true, force: true });
    this.#entries.delete(id);
  }

  /** The machine as it is now; null when this host has no such machine. */
  async report(id: string): Promise<VmReport | null> {
    const entry = this.#entries.get(id);
    if (!entry) return null;
    const { machine, record } = entry;
    const power = await powerOf(entry);
    const runs = power !== "stopped" && machine !== null;
    return {
      vmId: id,
      generation: record.generation,
      power,
      pid: runs ? machine.pid : null,
      startTicks: runs ? machine.startTicks : null,
      accelerator: runs ? machine.accelerator : null,
      fault: record.fault ?? (machine?.outOfSpace ? "no-space" : null),
    };
  }

  async reports(): Promise<VmReport[]> {
    const reports = await Promise.all([...this.#entries.keys()].map((id) => this.report(id)));
    return reports.filter((report) => report !== null);
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }

  /** Lets go of every machine; they keep running. */
  close(): void {
    for (const { machine } of this.#entries.values()) machine?.close();
    this.#entries.clear();
  }

  async #find(id: string, record: VmRecord): Promise<void> {
    const entry: Entry = { record, machine: null, hung: false };
    this.#entries.set(id, entry);
    let poweredOff = false;
    try {
      const machine = await Machine.adopt(id, this.#options, () => (poweredOff = true));
      if (machine) return this.#attach(id, entry, machine);
    } catch (error) {
      entry.hung = true;
      this.#options.log(`${id}: ${(error as Error).message}`);
      return;
    }
    if (record.onSinceBoot === null) return;
    if (poweredOff) return this.#endedByItself(id, entry, "vm.powered-off");
    if (record.onSinceBoot === this.#options.bootId) {
      return this.#endedByItself(id, entry, "vm.crashed", "QEMU was gone when the agent came back");
    }
    return this.#endedByItself(id, entry, "vm.powered-off", "The host restarted");
  }

  #attach(id: string, entry: Entry, machine: Machine): void {
    entry.machine = machine;
    entry.hung = false;
    machine.on("ended", (cause) => this.#ended(id, entry, machine, cause));
    machine.on("no-space", () => this.#tell(id, "vm.no-space"));
    machine.on("recovered", () => this.#tell(id, "vm.recovered"));
  }

  #ended(id: string, entry: Entry, machine: Machine, cause: "powered-off" | "crashed"): void {
    if (entry.machine === machine) entry.machine = null;
    if (this.#ending.has(id) || this.#entries.get(id) !== entry) return;
    this.#endedByItself(id, entry, cause === "crashed" ? "vm.crashed" : "vm.powered-off").catch((error: Error) => {
      // The next start of the agent finds it out again.
      this.#options.log(`The end of ${id} could not be written down: ${error.message}`);
    });
  }

  async #endedByItself(
    id: string,
    entry: Entry,
    event: "vm.crashed" | "vm.powered-off",
    message: string = eventMessages[event],
  ): Promise<void> {
    const fault = event === "vm.crashed" ? "crashed" : null;
    await this.#save(id, (entry.record = { ...entry.record, onSinceBoot: null, fault }));
    this.#tell(id, event, message);
  }

  #tell(id: string, event: JournalEvent["event"], message: string = eventMessages[event]): void {
    void this.report(id).then((report) => report && this.emit("event", event, report, message));
  }

  #machineContext() {
    const { paths, accelerator, acceleratorReason } = this.#options;
    if (accelerator === null) throw new HostError("EMULATION_FORBIDDEN", acceleratorReason);
    return { paths, accelerator };
  }

  #require(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new HostError("VM_MISSING", `This host has no machine ${id}: delete it and create it again`);
    return entry;
  }

  #save(id: string, record: VmRecord): Promise<void> {
    return writeWhole(this.#options.paths.vm(id).record, JSON.stringify(record));
  }
}

const eventMessages: Record<JournalEvent["event"], string> = {
  "vm.crashed": "QEMU ended by itself; its log is kept on the host",
  "vm.powered-off": "The guest powered itself off",
  "vm.no-space": "The disk of the host is full: the machine is paused until there is room",
  "vm.recovered": "There is room again: the machine goes on",
};

async function readRecord(file: string): Promise<VmRecord | null> {
  const text = await readIfThere(file);
  return text === null ? null : VmRecord.parse(JSON.parse(text));
}

/** A monitor that does not answer says nothing about the guest: its process is there, so it counts as running. */
async function powerOf({ machine, hung }: Entry): Promise<VmPower> {
  if (hung) return "running";
  if (!machine) return "stopped";
  return machine.power().catch(() => "running" as const);
}
