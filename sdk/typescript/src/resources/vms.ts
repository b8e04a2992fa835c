/**
 * Virtual machines. Each `id` may also be the owner's name for the machine.
 *
 * Slow work answers with its operation as soon as the server has taken it, and with `wait` when it is done. Operations of one
 * machine run in their order, so `create` and then `start` works with no wait between.
 */
import { ByteStream, type ByteStreamEvents } from "../byte-stream.ts";
import { VoidVMError } from "../errors.ts";
import {
  type Operation,
  type Topic,
  tunnelWindow,
  type Vm,
  type VmSample,
  type VmStatusMessage,
} from "../generated.ts";
import type { Body, Data, Http, Query, QueryValues } from "../http.ts";
import type { CallOptions, WaitOptions } from "../options.ts";
import { iterate, type Page, toPage } from "../page.ts";
import { path } from "../path.ts";
import { subscribe, type SubscribeOptions } from "../subscribe.ts";
import { isWanted, untilEnd } from "../waiting.ts";

/** An operation with its machine; null once that is deleted. */
export type VmOperation = Operation & { vm: Vm | null };

export interface StreamOptions extends ByteStreamEvents {
  readonly signal?: AbortSignal | undefined;
}

export interface SerialOptions {
  /** What is written is dropped. */
  readonly viewOnly?: boolean | undefined;
  /** Takes the right to write from whoever has it. */
  readonly takeOver?: boolean | undefined;
}

type Action = "start" | "stop" | "restart" | "pause" | "resume" | "reset";

export class Vms {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  async list(query?: Query<"listVms">, options?: CallOptions): Promise<Page<Vm>> {
    const data = await this.#http.call<"listVms">("GET", "/vms", { ...options, query });
    return toPage(data.vms, data.pagination);
  }

  iterate(query: Query<"listVms"> = {}, options?: CallOptions) {
    return iterate((page: Query<"listVms">) => this.list(page, options), query);
  }

  /** `name`, `cpu`, `memory` (MiB) and `disk` (GiB) are enough. */
  async create(body: Body<"createVm">, options: WaitOptions = {}): Promise<Vm> {
    const vm = await this.#http.call<"createVm">("POST", "/vms", { ...only(options), body });
    if (!isWanted(options) || !vm.operation) return vm;
    await untilEnd(this.#http, vm.operation, options);
    return this.get(vm.id, { signal: options.signal });
  }

  get(id: string, options?: CallOptions): Promise<Vm> {
    return this.#http.call<"getVm">("GET", path`/vms/${id}`, options);
  }

  /** What `body` doesn't name stays as it is. `requiresRestart`: a running machine takes it with its next start. */
  async update(id: string, body: Body<"updateVm">, options: WaitOptions = {}): Promise<Data<"updateVm">> {
    const vm = await this.#http.call<"updateVm">("PATCH", path`/vms/${id}`, { ...only(options), body });
    if (!isWanted(options) || vm.operation?.kind !== "vm.update") return vm;
    await untilEnd(this.#http, vm.operation, options);
    return { ...(await this.get(vm.id, { signal: options.signal })), requiresRestart: vm.requiresRestart };
  }

  /** With its disk. `force`: although it runs. */
  async delete(id: string, { force, ...options }: WaitOptions & Query<"deleteVm"> = {}): Promise<VmOperation> {
    const call = { ...only(options), query: { force } };
    const accepted: VmOperation | null = await this.#http.call<"deleteVm">("DELETE", path`/vms/${id}`, call);
    return this.#ended(accepted ?? (await this.#deletionOf(id, options)), options);
  }

  start(id: string, options?: WaitOptions): Promise<VmOperation> {
    return this.#act(id, "start", undefined, options);
  }

  /** Presses the power button, and cuts the power after `timeout` seconds; with `force` at once. */
  stop(id: string, body?: Body<"stopVm">, options?: WaitOptions): Promise<VmOperation> {
    return this.#act(id, "stop", body, options);
  }

  /** In a new process, which takes what required a restart. */
  restart(id: string, body?: Body<"restartVm">, options?: WaitOptions): Promise<VmOperation> {
    return this.#act(id, "restart", body, options);
  }

  /** Halts the vCPUs; the machine keeps its memory. */
  pause(id: string, options?: WaitOptions): Promise<VmOperation> {
    return this.#act(id, "pause", undefined, options);
  }

  resume(id: string, options?: WaitOptions): Promise<VmOperation> {
    return this.#act(id, "resume", undefined, options);
  }

  /** As the reset button does: in the same process, without asking the guest. */
  reset(id: string, options?: WaitOptions): Promise<VmOperation> {
    return this.#act(id, "reset", undefined, options);
  }

  /**
   * A machine's status and load: as they are, and then each time they change. Ends with the machine, which is `deleted` then.
   * Without `id`: of all machines.
   */
  async *watch(id?: string, options?: SubscribeOptions): AsyncGenerator<VmStatusMessage, void, undefined> {
    const topic: Topic = id === undefined ? { topic: "vm-status-all" } : { topic: "vm-status", vmId: id };
    for await (const { type, data } of subscribe(this.#http, [topic], options)) {
      if (type === "vm-status") yield data;
      if (id !== undefined && type === "vm-status" && data.status === "deleted") return;
    }
  }

  /** How busy machines are, every `interval` ms (5,000; at least 1,000). At most 100 machines. */
  async *metrics(
    ids: string | readonly string[],
    { interval, ...options }: SubscribeOptions & { readonly interval?: number | undefined } = {},
  ): AsyncGenerator<VmSample, void, undefined> {
    const topics = [ids].flat().map((vmId): Topic => ({ topic: "vm-metrics", vmId, interval }));
    for await (const { type, data } of subscribe(this.#http, topics, options)) if (type === "vm-metrics") yield data;
  }

  /** A page of what happened to it, oldest first. Go on with its `after`. */
  listEvents(id: string, query?: Query<"listVmEvents">, options?: CallOptions): Promise<Data<"listVmEvents">> {
    return this.#http.call<"listVmEvents">("GET", path`/vms/${id}/events`, { ...options, query });
  }

  /** Its screen, as the bytes of VNC's protocol (RFB). */
  console(id: string, { viewOnly, ...options }: StreamOptions & Query<"getVncConsole"> = {}): Promise<ByteStream> {
    return this.#stream(path`/vms/${id}/console/vnc`, { viewOnly }, options);
  }

  /**
   * Its serial console, beginning with what it said before. One at a time may write: who comes later reads, unless it says
   * `takeOver`.
   */
  async serial(
    id: string,
    { viewOnly, takeOver, ...options }: StreamOptions & SerialOptions = {},
  ): Promise<ByteStream> {
    const stream = await this.#stream(path`/vms/${id}/console/serial`, { viewOnly }, options);
    if (takeOver && !stream.isWriter) stream.send({ type: "take-over" });
    return stream;
  }

  /** A TCP connection to a port of the guest. */
  tunnel(id: string, port: number, options: StreamOptions = {}): Promise<ByteStream> {
    return this.#stream(path`/vms/${id}/tunnel/ticket`, { port }, options, tunnelWindow);
  }

  async #stream(at: string, query: QueryValues, options: StreamOptions, window?: number): Promise<ByteStream> {
    const { url } = await this.#http.call<"getVncConsole">("GET", at, { query, signal: options.signal });
    return ByteStream.open(this.#http.options, url, { ...options, window });
  }

  async #act(id: string, action: Action, body: unknown, options: WaitOptions = {}): Promise<VmOperation> {
    const call = { ...only(options), body };
    const accepted = await this.#http.call<"startVm">("POST", `${path`/vms/${id}`}/${action}`, call);
    return this.#ended(accepted, options);
  }

  /** The machine is read again, since what came with the acceptance is older than the end. */
  async #ended(accepted: VmOperation, options: WaitOptions): Promise<VmOperation> {
    if (!isWanted(options)) return accepted;
    const operation = await untilEnd(this.#http, accepted, options);
    const vm = operation.kind === "vm.delete" ? null : await this.get(accepted.resource.id, { signal: options.signal });
    return { ...operation, vm };
  }

  /** The first try was taken, and its answer was lost. */
  async #deletionOf(id: string, { signal }: WaitOptions): Promise<VmOperation> {
    const vm = await this.get(id, { signal }).catch(() => null);
    const query = { vmId: vm?.id ?? id, kind: "vm.delete", limit: 1 };
    const [operation] = (await this.#http.call<"listOperations">("GET", "/operations", { query, signal })).operations;
    if (operation) return { ...operation, vm };
    throw new VoidVMError({ code: "VM_NOT_FOUND", message: `There is no '${id}' any more`, status: 404 });
  }
}

/** What belongs to the call itself; the rest belongs to the wait. */
function only({ signal, idempotencyKey, ifMatch }: WaitOptions): CallOptions {
  return { signal, idempotencyKey, ifMatch };
}
