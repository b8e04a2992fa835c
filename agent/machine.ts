/**
 * One running machine: its QEMU process, driven by QMP.
 *
 * The process has a session of its own and outlives the agent; whoever comes next finds it by pid file, start time
 * and command line. There is never a second one for the same machine.
 */
import { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { VmSpec } from "../protocol/operations.ts";
import type { VmPower } from "../protocol/vm.ts";
import { HostError } from "./errors.ts";
import type { HostPaths, VmPaths } from "./paths.ts";
import { qemuArguments } from "./qemu/arguments.ts";
import { Monitor } from "./qemu/monitor.ts";
import {
  findQemu,
  isAlive,
  killQemu,
  type QemuProcess,
  removeTraces,
  searchQemu,
  startQemu,
  waitForExit,
} from "./qemu/process.ts";
import type { QmpEvent } from "./qemu/qmp.ts";
import { RoomWatch } from "./qemu/room-watch.ts";
import { takeOver, type TakenOver } from "./qemu/take-over.ts";

export interface MachineContext {
  readonly paths: HostPaths;
  readonly accelerator: "kvm" | "tcg";
}

interface MachineEvents {
  /** The process is gone, and not by `quit()`. `powered-off`: the guest's own doing, or an orderly end on the host. */
  ended: [cause: "powered-off" | "crashed"];
  /** The host's disk is full: the guest is paused, and goes on by itself once there is room. */
  "no-space": [];
  recovered: [];
  power: [power: VmPower];
}

const quitTimeoutMs = 3_000;
/** A process that has said that it ends still writes out what it holds of the disk. */
const flushTimeoutMs = 10_000;

export class Machine extends EventEmitter<MachineEvents> {
  readonly vmId: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly accelerator: "kvm" | "tcg";
  readonly #paths: VmPaths;
  readonly #qemu: QemuProcess;
  readonly #monitor: Monitor;
  readonly #room: RoomWatch;
  readonly #gone = Promise.withResolvers<void>();
  #quitting: Promise<void> | null = null;
  /** What its end will have been, should it end now. */
  #cause: "powered-off" | "crashed" | "wanted" = "crashed";
  #finishing: Promise<void> | null = null;
  #outOfSpace = false;

  private constructor(vmId: string, paths: VmPaths, qemu: QemuProcess, found: Omit<TakenOver, "poweredOff">) {
    super();
    this.vmId = vmId;
    this.pid = qemu.pid;
    this.startTicks = qemu.startTicks;
    this.accelerator = found.accelerator;
    this.#paths = paths;
    this.#qemu = qemu;
    this.#room = new RoomWatch(paths.disk, () => this.resume());
    if (found.outOfSpace) this.#waitForRoom();
    this.#monitor = found.monitor;
    this.#monitor.on("event", (event) => this.#onEvent(event));
    this.#monitor.once("gone", () => void this.#finish());
  }

  /**
   * Starts the process; the guest runs when this resolves.
   *
   * Errors: QEMU_FAILED, in QEMU's own words, after which nothing runs that wasn't running before.
   */
  static async start(vmId: string, spec: VmSpec, { paths, accelerator }: MachineContext): Promise<Machine> {
    const vm = paths.vm(vmId);
    paths.prepareRuntime();
    const present = await findQemu(vmId, vm);
    if (present) throw new HostError("QEMU_FAILED", `Machine ${vmId} runs already, as process ${present.pid}`);
    // Every orderly end removes the sockets. Where they are, a process ended badly or has lost its pid file.
    if (existsSync(vm.qmp)) {
      const lost = await searchQemu(vmId, vm);
      if (lost) return new Machine(vmId, vm, lost, await takeOver(lost, vm));
      await removeTraces(vm);
    }
    await mkdir(vm.sockets, { recursive: true, mode: 0o700 });
    try {
      const { qemu, qmp } = await startQemu(qemuArguments({ vmId, spec, paths: vm, accelerator }), vm);
      return new Machine(vmId, vm, qemu, { monitor: new Monitor(qemu, vm, qmp), accelerator, outOfSpace: false });
    } catch (error) {
      // An agent that died while it started this machine may have left a process that had not written its number.
      const other = await searchQemu(vmId, vm);
      if (other) return new Machine(vmId, vm, other, await takeOver(other, vm));
      await removeTraces(vm);
      throw error;
    }
  }

  /**
   * The machine's living process, taken over; null when there is none.
   *
   * A guest that powered itself off while nobody looked has left a process without work: it is ended, and
   * `onPoweredOff` is called before this resolves with null.
   *
   * Errors: QEMU_FAILED where the process lives and its monitor is silent. It is not replaced.
   */
  static async adopt(
    vmId: string,
    { paths }: Pick<MachineContext, "paths">,
    onPoweredOff: () => void = () => {},
  ): Promise<Machine | null> {
    const vm = paths.vm(vmId);
    const qemu = await findQemu(vmId, vm);
    if (!qemu) return null;
    try {
      const found = await takeOver(qemu, vm);
      const machine = new Machine(vmId, vm, qemu, found);
      if (!found.poweredOff) return machine;
      await machine.quit();
      onPoweredOff();
    } catch (error) {
      if (await isAlive(qemu)) throw error;
      await removeTraces(vm);
    }
    return null;
  }

  /** Ends a process whose monitor is silent. Harmless where none runs. */
  static async kill(vmId: string, { paths }: Pick<MachineContext, "paths">): Promise<void> {
    const vm = paths.vm(vmId);
    const qemu = await findQemu(vmId, vm);
    if (qemu) await killQemu(qemu);
    await removeTraces(vm);
  }

  /** True while the guest is paused because the host's disk is full. */
  get outOfSpace(): boolean {
    return this.#outOfSpace;
  }

  async power(): Promise<VmPower> {
    if (!(await isAlive(this.#qemu))) return "stopped";
    const { status } = await this.qmp<{ status: string }>("query-status");
    if (status !== "shutdown") return status === "running" ? "running" : "paused";
    void this.#powerOff();
    return "stopped";
  }

  /** The ACPI power button. The guest may ignore it; one that is off already has no need of it. */
  async pressPowerButton(): Promise<void> {
    try {
      await this.qmp("system_powerdown");
    } catch (error) {
      if (await isAlive(this.#qemu)) throw error;
    }
  }

  async pause(): Promise<void> {
    // Somebody wants it paused now: room is no reason any more to go on.
    this.#room.stop();
    await this.qmp("stop");
  }

  async resume(): Promise<void> {
    await this.qmp("cont");
  }

  async reset(): Promise<void> {
    await this.qmp("system_reset");
  }

  /** The guest sees the larger disk at once. */
  async growDisk(sizeGib: number): Promise<void> {
    await this.qmp("block_resize", { "node-name": "disk0", size: sizeGib * 1024 ** 3 });
  }

  /** Cuts the power: `quit`, and SIGKILL for a process that does not listen. It is gone when this resolves. */
  quit(): Promise<void> {
    if (this.#cause === "crashed") this.#cause = "wanted";
    this.#quitting ??= this.#quit().finally(() => (this.#quitting = null));
    return this.#quitting;
  }

  /** True once the process is gone; false after `timeoutMs`, or when `signal` is aborted. */
  async exited(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const waiting = new AbortController();
    const end = AbortSignal.any(signal ? [signal, waiting.signal] : [waiting.signal]);
    const tooLate = sleep(timeoutMs, false, { signal: end }).catch(() => false);
    try {
      return await Promise.race([this.#gone.promise.then(() => true), tooLate]);
    } finally {
      waiting.abort();
    }
  }

  /** Errors: QEMU_FAILED, whether QEMU refuses or is silent; `cause` tells which. */
  qmp<T>(command: string, args?: object, timeoutMs?: number): Promise<T> {
    return this.#monitor.execute<T>(command, args, timeoutMs);
  }

  /** Lets go of the process without ending it. No event follows. */
  close(): void {
    this.#room.stop();
    this.#monitor.release();
  }

  #onEvent({ event, data }: QmpEvent): void {
    switch (event) {
      case "SHUTDOWN":
        // With -no-shutdown QEMU stays, without work, until it is ended.
        if (data["reason"] !== "guest-reset" && data["reason"] !== "host-qmp-system-reset") void this.#powerOff();
        return;
      case "BLOCK_IO_ERROR":
        // One comes for each request that was under way.
        if (data["nospace"] !== true || data["action"] !== "stop" || this.#outOfSpace) return;
        this.#waitForRoom();
        this.emit("no-space");
        return;
      case "STOP":
        // A power-off stops the vCPUs too; that is told by `ended`.
        if (!this.#quitting) this.emit("power", "paused");
        return;
      case "RESUME":
        this.#room.stop();
        if (this.#outOfSpace) {
          this.#outOfSpace = false;
          this.emit("recovered");
        }
        this.emit("power", "running");
    }
  }

  #waitForRoom(): void {
    this.#outOfSpace = true;
    this.#room.start();
  }

  async #powerOff(): Promise<void> {
    if (this.#cause === "crashed") this.#cause = "powered-off";
    // Where that fails the process is still there, and the next question after it tells so.
    await this.quit().catch(() => {});
  }

  async #quit(): Promise<void> {
    const asked = performance.now();
    const listens = await this.qmp("quit", {}, quitTimeoutMs).then(
      () => true,
      () => false,
    );
    const patience = listens ? flushTimeoutMs : quitTimeoutMs - (performance.now() - asked);
    if (!(await waitForExit(this.#qemu, patience))) await killQemu(this.#qemu);
    await this.#finish();
  }

  #finish(): Promise<void> {
    this.#finishing ??= this.#tidyUp();
    return this.#finishing;
  }

  async #tidyUp(): Promise<void> {
    this.close();
    await removeTraces(this.#paths);
    // First the event: whoever waits for the exit may take it for handled.
    if (this.#cause !== "wanted") this.emit("ended", this.#cause);
    this.#gone.resolve();
  }
}
