/**
 * The monitor of one QEMU process for as long as that lives. A connection that breaks says nothing about the guest, so
 * it is made again, and only a process that is gone is gone.
 */
import { EventEmitter } from "node:events";
import { HostError } from "../errors.ts";
import type { VmPaths } from "../paths.ts";
import { connectMonitor, type QemuProcess, waitForExit } from "./process.ts";
import { type Qmp, QmpError, type QmpEvent, QmpLost } from "./qmp.ts";

const answerTimeoutMs = 5_000;

export class Monitor extends EventEmitter<{ event: [QmpEvent]; gone: [] }> {
  readonly #qemu: QemuProcess;
  readonly #paths: VmPaths;
  #qmp: Qmp;
  #released = false;

  constructor(qemu: QemuProcess, paths: VmPaths, qmp: Qmp) {
    super();
    this.#qemu = qemu;
    this.#paths = paths;
    this.#qmp = this.#listen(qmp);
  }

  /** Of a process that was found. Errors: `QmpLost`. */
  static async of(qemu: QemuProcess, paths: VmPaths): Promise<Monitor> {
    return new Monitor(qemu, paths, await connectMonitor(qemu, paths, answerTimeoutMs));
  }

  /** Errors: QEMU_FAILED, whether QEMU refuses or is silent; `cause` tells which. */
  async execute<T>(command: string, args?: object, timeoutMs: number = answerTimeoutMs): Promise<T> {
    try {
      return await this.#qmp.execute<T>(command, args, timeoutMs);
    } catch (error) {
      if (!(error instanceof QmpError || error instanceof QmpLost)) throw error;
      throw new HostError("QEMU_FAILED", `QEMU did not do ${command}: ${error.message}`, { cause: error });
    }
  }

  /** Lets go of the process. No event follows. */
  release(): void {
    this.#released = true;
    this.#qmp.close();
  }

  #listen(qmp: Qmp): Qmp {
    qmp.on("event", (event) => {
      if (!this.#released) this.emit("event", event);
    });
    qmp.once("close", () => void this.#onClose());
    return qmp;
  }

  async #onClose(): Promise<void> {
    while (!this.#released) {
      // QEMU closes its end a moment before it is quite gone.
      const isGone = await waitForExit(this.#qemu, 500);
      if (this.#released) return;
      if (isGone) {
        this.emit("gone");
        return;
      }
      try {
        const qmp = await connectMonitor(this.#qemu, this.#paths, answerTimeoutMs);
        if (this.#released) return qmp.close();
        this.#qmp = this.#listen(qmp);
        return;
      } catch {
        // It lives and is silent: commands fail, and this goes on until it answers or is gone.
      }
    }
  }
}
