/**
 * One running machine: its QEMU process, driven by QMP.
 *
 * The process is not a child of the agent: `-daemonize` puts it into a session of its own, and whoever comes next
 * finds it by pid file, start time and command line. There is never a second one for the same machine.
 */
import { EventEmitter } from "node:events";
import { mkdir } from "node:fs/promises";
import type { VmSpec } from "../protocol/operations.ts";
import type { VmPower } from "../protocol/vm.ts";
import { HostError } from "./errors.ts";
import type { HostPaths, VmPaths } from "./paths.ts";
import { qemuArguments } from "./qemu/arguments.ts";
import { findQemu, isAlive, killQemu, type QemuProcess, removeSockets, startQemu, waitForExit } from "./qemu/process.ts";
import { Qmp, type QmpEvent, QmpError, QmpLost } from "./qemu/qmp.ts";

export interface MachineContext {
  readonly paths: HostPaths;
  readonly accelerator: "kvm" | "tcg";
}

interface MachineEvents {
  /** The process is gone. `powered-off`: the guest's own doing. */
  ended: [cause: "powered-off" | "crashed"];
  "no-space": [];
  recovered: [];
}

const quitTimeoutMs = 3_000;

export class Machine extends EventEmitter<MachineEvents> {
  readonly vmId: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly accelerator: "kvm" | "tcg";
  readonly #paths: VmPaths;
  readonly #process: QemuProcess;
  readonly #qmp: Qmp;
  readonly #gone = Promise.withResolvers<void>();
  #poweredOff = false;
  #released = false;

  private constructor(vmId: string, paths: VmPaths, process: QemuProcess, qmp: Qmp, accelerator: "kvm" | "tcg") {
    super();
    this.vmId = vmId;
    this.pid = process.pid;
    this.startTicks = process.startTicks;
    this.accelerator = accelerator;
    this.#paths = paths;
    this.#process = process;
    this.#qmp = qmp;
    qmp.on("event", (event) => this.#onEvent(event));
    qmp.once("close", () => void this.#onClose());
  }

  /** Starts the process; the guest runs when this resolves. A failure leaves no process. */
  static async start(vmId: string, spec: VmSpec, { paths, accelerator }: MachineContext): Promise<Machine> {
    const vm = paths.vm(vmId);
    await mkdir(vm.sockets, { recursive: true, mode: 0o700 });
    const process = await startQemu(vmId, qemuArguments({ vmId, spec, paths: vm, accelerator }), vm);
    try {
      return new Machine(vmId, vm, process, await Qmp.connect(vm.qmp), accelerator);
    } catch (error) {
      await killQemu(process);
      throw new HostError("QEMU_FAILED", `QEMU started and did not answer: ${(error as Error).message}`);
    }
  }

  /**
   * The machine's living process, taken over; null when there is none.
   *
   * Errors: QEMU_FAILED where the process lives and its monitor is silent. It is not replaced.
   */
  static async adopt(vmId: string, { paths }: Pick<MachineContext, "paths">): Promise<Machine | null> {
    const vm = paths.vm(vmId);
    const process = await findQemu(vmId, vm);
    if (!process) {
      await removeSockets(vm);
      return null;
    }
    try {
      const qmp = await Qmp.connect(vm.qmp);
      const { enabled } = await qmp.execute<{ enabled: boolean }>("query-kvm");
      const machine = new Machine(vmId, vm, process, qmp, enabled ? "kvm" : "tcg");
      const { status } = await qmp.execute<{ status: string }>("query-status");
      if (status === "shutdown") {
        await machine.quit();
        return null;
      }
      return machine;
    } catch (error) {
      if (!(await isAlive(process))) return null;
      throw new HostError(
        "QEMU_FAILED",
        `QEMU (process ${process.pid}) runs and its monitor does not answer: ${(error as Error).message}. ` +
          "Nothing is started in its place; a forced stop ends it",
      );
    }
  }

  /** Ends a process whose monitor is silent. Harmless where none runs. */
  static async kill(vmId: string, { paths }: Pick<MachineContext, "paths">): Promise<void> {
    const vm = paths.vm(vmId);
    const process = await findQemu(vmId, vm);
    if (process) await killQemu(process);
    await removeSockets(vm);
  }

  async power(): Promise<VmPower> {
    const { status } = await this.#execute<{ status: string }>("query-status");
    if (status === "shutdown") return "stopped";
    return status === "running" ? "running" : "paused";
  }

  /** The ACPI power button. The guest may ignore it. */
  async pressPowerButton(): Promise<void> {
    await this.#execute("system_powerdown");
  }

  async pause(): Promise<void> {
    await this.#execute("stop");
  }

  async resume(): Promise<void> {
    await this.#execute("cont");
  }

  async reset(): Promise<void> {
    await this.#execute("system_reset");
  }

  /** Cuts the power: `quit`, and SIGKILL for a process that does not listen. It is gone when this resolves. */
  async quit(): Promise<void> {
    await this.#qmp.execute("quit", undefined, quitTimeoutMs).catch(() => {});
    if (!(await waitForExit(this.#process, quitTimeoutMs))) await killQemu(this.#process);
    this.#qmp.close();
    await removeSockets(this.#paths);
    this.#gone.resolve();
  }

  /** True once the process is gone; false after `timeoutMs`. */
  async exited(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, timeoutMs, false)));
    const gone = await Promise.race([this.#gone.promise.then(() => true), timeout]);
    clearTimeout(timer);
    return gone;
  }

  /** Lets go of the process without ending it. No event follows. */
  close(): void {
    this.#released = true;
    this.#qmp.close();
  }

  async #execute<T>(command: string): Promise<T> {
    try {
      return await this.#qmp.execute<T>(command);
    } catch (error) {
      if (error instanceof QmpError || error instanceof QmpLost) {
        throw new HostError("QEMU_FAILED", `QEMU did not do ${command}: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  #onEvent({ event, data }: QmpEvent): void {
    switch (event) {
      case "SHUTDOWN":
        // A guest's reset comes as RESET; this one leaves QEMU without work, waiting to be ended.
        this.#poweredOff = true;
        void this.quit();
        return;
      case "BLOCK_IO_ERROR":
        if (data["nospace"] === true && data["action"] === "stop") this.emit("no-space");
        return;
      case "RESUME":
        this.emit("recovered");
    }
  }

  async #onClose(): Promise<void> {
    if (this.#released) return;
    // The monitor's end is closed before the process is quite gone.
    if (!(await waitForExit(this.#process, quitTimeoutMs))) await killQemu(this.#process);
    await removeSockets(this.#paths);
    this.#gone.resolve();
    this.emit("ended", this.#poweredOff ? "powered-off" : "crashed");
  }
}
