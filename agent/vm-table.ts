/**
 * The machines of this host: what `vms/<id>/vm.json` says about each, and its QEMU process where one runs.
 *
 * The files on disk are the truth, not memory and not the journal: an agent that starts finds every machine and
 * adopts the processes that outlived it.
 */
import { EventEmitter } from "node:events";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { z } from "zod";
import { type VmReport, VmSpec } from "../protocol/operations.ts";
import { VmId, type VmPower } from "../protocol/vm.ts";
import { HostError } from "./errors.ts";
import type { JournalEvent } from "./journal.ts";
import { Machine } from "./machine.ts";
import type { HostPaths } from "./paths.ts";

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
  noSpace: boolean;
}

export interface VmTableOptions {
  readonly paths: HostPaths;
  /** Null where no machine can run; `acceleratorReason` says why. */
  readonly accelerator: "kvm" | "tcg" | null;
  readonly acceleratorReason: string;
  readonly bootId: string;
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
    this.#entries.set(id, { record, machine: null, hung: false, noSpace: false });
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
      fault: record.fault ?? (entry.noSpace ? "no-space" : null),
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
    const entry: Entry = { record, machine: null, hung: false, noSpace: false };
    this.#entries.set(id, entry);
    try {
      const machine = await Machine.adopt(id, this.#options);
      if (machine) return this.#attach(id, entry, machine);
    } catch {
      entry.hung = true;
      return;
    }
    if (record.onSinceBoot === null) return;

    const rebooted = record.onSinceBoot !== this.#options.bootId;
    await this.#save(id, (entry.record = { ...record, onSinceBoot: null, fault: rebooted ? null : "crashed" }));
    await this.#emitEvent(
      id,
      rebooted ? "vm.powered-off" : "vm.crashed",
      rebooted ? "The host restarted" : "QEMU was gone when the agent came back",
    );
  }

  #attach(id: string, entry: Entry, machine: Machine): void {
    entry.machine = machine;
    entry.hung = false;
    entry.noSpace = false;
    machine.on("ended", (cause) => void this.#ended(id, entry, machine, cause));
    machine.on("no-space", () => {
      entry.noSpace = true;
      void this.#emitEvent(
        id,
        "vm.no-space",
        "The disk of the host is full: the machine is paused until there is room",
      );
    });
    machine.on("recovered", () => {
      entry.noSpace = false;
      void this.#emitEvent(id, "vm.recovered", "There is room again: the machine goes on");
    });
  }

  async #ended(id: string, entry: Entry, machine: Machine, cause: "powered-off" | "crashed"): Promise<void> {
    if (entry.machine === machine) entry.machine = null;
    if (this.#ending.has(id) || this.#entries.get(id) !== entry) return;
    const fault = cause === "crashed" ? "crashed" : null;
    await this.#save(id, (entry.record = { ...entry.record, onSinceBoot: null, fault }));
    if (cause === "crashed")
      await this.#emitEvent(id, "vm.crashed", "QEMU ended by itself; its log is kept on the host");
    else await this.#emitEvent(id, "vm.powered-off", "The guest powered itself off");
  }

  async #emitEvent(id: string, event: JournalEvent["event"], message: string): Promise<void> {
    const report = await this.report(id);
    if (report) this.emit("event", event, report, message);
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

  async #save(id: string, record: VmRecord): Promise<void> {
    const file = this.#options.paths.vm(id).record;
    const handle = await open(`${file}.new`, "w", 0o600);
    try {
      await handle.writeFile(JSON.stringify(record));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
  }
}

async function readRecord(file: string): Promise<VmRecord | null> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return VmRecord.parse(JSON.parse(text));
}

/** A monitor that does not answer says nothing about the guest: its process is there, so it counts as running. */
async function powerOf({ machine, hung }: Entry): Promise<VmPower> {
  if (hung) return "running";
  if (!machine) return "stopped";
  return machine.power().catch(() => "running" as const);
}
