/** What must hold after every fault: one end for each operation, and everybody who can be asked says the same of a machine. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import { Qmp } from "../../agent/qemu/qmp.ts";
import type { OperationView, VmView } from "../e2e/cloud.ts";
import type { ChaosHost } from "./chaos-host.ts";

const run = promisify(execFile);
const settleMs = 60_000;

export class Oracle {
  readonly #host: ChaosHost;

  constructor(host: ChaosHost) {
    this.#host = host;
  }

  /** Compares once no operation is under way. Errors: what differs, in words. */
  async check(vmId: string): Promise<void> {
    const { cloud } = this.#host;
    let difference: string | null = "nothing was compared";
    const isSame = async () => (difference = await this.#difference(vmId)) === null;
    await cloud.until("API and host say the same", isSame, settleMs).catch((error: Error) => {
      throw new Error(`${difference}\n${error.message}`);
    });
    await this.#checkMonitor(vmId);
    await this.#checkDisk(vmId);
    await this.#checkLeftovers();
  }

  /** One final state, in every way in which it can be asked for. Answers it. */
  async end(operationId: string): Promise<string> {
    const operation = await this.#host.cloud.operation(operationId);
    const again = await this.#host.cloud.get<OperationView>(`/operations/${operationId}`);
    if (again.body.data.status !== operation.status)
      throw new Error(`It ended twice: ${JSON.stringify(again.body.data)}`);
    return operation.status;
  }

  /** Null where API, folders and processes agree. */
  async #difference(vmId: string): Promise<string | null> {
    const { cloud, paths } = this.#host;
    const { status, body } = await cloud.get<VmView>(`/vms/${vmId}`);
    const shown = status === 404 ? "absent" : body.data.status;
    if (body.data?.operation) return `${vmId} still has an operation under way: ${JSON.stringify(body.data.operation)}`;
    const hasRecord = existsSync(paths.vm(vmId).record);
    const processes = this.#host.qemus(vmId).length;
    if (processes > 1) return `${vmId} has ${processes} QEMU processes`;
    const allowed = !hasRecord ? ["absent", "error"] : processes === 1 ? ["running", "paused"] : ["stopped", "error"];
    if (allowed.includes(shown)) return null;
    return `${vmId} is ${shown}, with ${processes} processes and ${hasRecord ? "a" : "no"} folder`;
  }

  /** QEMU talks to one at a time, so the agent goes for that; the process must outlive it. */
  async #checkMonitor(vmId: string): Promise<void> {
    const [qemu] = this.#host.qemus(vmId);
    if (!qemu) return;
    await this.#host.kill();
    const qmp = await Qmp.connect(this.#host.paths.vm(vmId).qmp);
    const { status } = await qmp.execute<{ status: string }>("query-status");
    qmp.close();
    this.#host.start();
    await this.#host.online();
    const view = await this.#host.cloud.vm(vmId);
    const power = status === "running" ? "running" : "paused";
    if (view.status !== power) throw new Error(`${vmId} is ${view.status}, and its monitor says ${status}`);
    const [after] = this.#host.qemus(vmId);
    if (after?.pid !== qemu.pid || after.startTicks !== qemu.startTicks) throw new Error(`${vmId} got another process`);
  }

  async #checkDisk(vmId: string): Promise<void> {
    const { disk } = this.#host.paths.vm(vmId);
    // What is written to can't be checked.
    if (!existsSync(disk) || this.#host.qemus(vmId).length > 0) return;
    await run("qemu-img", ["check", "-f", "qcow2", disk]);
  }

  /** No folder, socket or half-written file of a machine that the API doesn't know. */
  async #checkLeftovers(): Promise<void> {
    const { cloud, paths, id } = this.#host;
    const { body } = await cloud.get<{ vms: VmView[] }>(`/vms?host=${id}&limit=100`);
    const known = new Set(body.data.vms.map((vm) => vm.id));
    const files = await readdir(paths.vmsDir, { recursive: true });
    const sockets = await readdir(paths.runtime).catch(() => []);
    // The agent's own, not a machine's.
    const status = basename(paths.statusSocket);
    const isLeft = (name: string) => !known.has(name.split("/")[0] ?? "") || /\.(new|part|tmp)$/.test(name);
    const left = [...files, ...sockets.filter((name) => name !== status)].filter(isLeft);
    if (left.length > 0) throw new Error(`Left behind: ${left.join(", ")}`);
    const images = (await readdir(paths.imagesDir)).filter((name) => name.endsWith(".part"));
    if (images.length > 0) throw new Error(`Left behind: ${images.join(", ")}`);
    for (const qemu of this.#host.qemus()) {
      if (!qemu.command.some((argument) => [...known].some((vm) => argument.includes(vm)))) {
        throw new Error(`Process ${qemu.pid} belongs to no machine: ${qemu.command.join(" ")}`);
      }
    }
  }
}
