/**
 * Takes samples of what the edge has ordered watched, and of nothing else.
 *
 * An order replaces the one before; an empty one, and the end of the link, leave no timer and no question to a guest.
 */
import type { HostSample, VmSample, WatchOrder } from "../../protocol/samples.ts";
import type { Host } from "../operations/operation.ts";
import { readHost } from "./host-reading.ts";
import { type HostReading, hostSample, type VmReading, vmSample } from "./readings.ts";
import { VmMeter } from "./vm-reading.ts";

export interface SamplerOptions {
  readonly host: Pick<Host, "paths" | "vms">;
  readonly send: (samples: { vms: VmSample[]; host: HostSample | null }) => void;
  readonly log: (line: string) => void;
}

/** Whoever begins to watch sees a first sample after so long. */
const firstMs = 1_000;

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #watches = new Map<string, Watch>();

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  watch({ vms, hostIntervalMs }: WatchOrder): void {
    const wanted = new Map(vms.map(({ vmId, intervalMs }) => [vmId, intervalMs]));
    if (hostIntervalMs !== null) wanted.set("host", hostIntervalMs);
    for (const [name, watch] of this.#watches) {
      if (wanted.has(name)) continue;
      watch.stop();
      this.#watches.delete(name);
    }
    for (const [name, intervalMs] of wanted) {
      const watch = this.#watches.get(name);
      if (watch) watch.intervalMs = intervalMs;
      else this.#watches.set(name, this.#begin(name, intervalMs));
    }
  }

  stop(): void {
    this.watch({ vms: [], hostIntervalMs: null });
  }

  #begin(name: string, intervalMs: number): Watch {
    const { host, send, log } = this.#options;
    if (name !== "host") return new Watch(intervalMs, new VmSampler(name, host, send), log);
    return new Watch(intervalMs, new HostSampler(host, send), log);
  }
}

interface Source {
  take(): Promise<void>;
  end(): void;
}

/** One thing that is watched: asked again only when it has answered, so that what is slow does not pile up. */
class Watch {
  intervalMs: number;
  readonly #source: Source;
  readonly #log: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(intervalMs: number, source: Source, log: (line: string) => void) {
    this.intervalMs = intervalMs;
    this.#source = source;
    this.#log = log;
    void this.#next(Math.min(firstMs, intervalMs));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#source.end();
  }

  async #next(delayMs: number): Promise<void> {
    const begun = performance.now();
    await this.#source.take().catch((error: Error) => this.#log(`No sample: ${error.message}`));
    if (this.#stopped) return this.#source.end();
    const leftMs = Math.max(delayMs - (performance.now() - begun), 0);
    this.#timer = setTimeout(() => void this.#next(this.intervalMs), leftMs);
  }
}

class HostSampler implements Source {
  readonly #folder: string;
  readonly #send: SamplerOptions["send"];
  #before: HostReading | null = null;

  constructor({ paths }: SamplerOptions["host"], send: SamplerOptions["send"]) {
    this.#folder = paths.vmsDir;
    this.#send = send;
  }

  async take(): Promise<void> {
    const now = await readHost(this.#folder);
    if (this.#before) this.#send({ vms: [], host: hostSample(this.#before, now) });
    this.#before = now;
  }

  end(): void {}
}

/** A machine that is off gives no samples; it is looked for again each time. */
class VmSampler implements Source {
  readonly #vmId: string;
  readonly #host: SamplerOptions["host"];
  readonly #send: SamplerOptions["send"];
  #meter: { readonly pid: number; readonly meter: VmMeter } | null = null;
  #before: VmReading | null = null;

  constructor(vmId: string, host: SamplerOptions["host"], send: SamplerOptions["send"]) {
    this.#vmId = vmId;
    this.#host = host;
    this.#send = send;
  }

  async take(): Promise<void> {
    const machine = this.#host.vms.machine(this.#vmId);
    if (!machine) return;
    if (this.#meter?.pid !== machine.pid) {
      const meter = new VmMeter(machine, this.#host.paths.vm(this.#vmId).guestAgent);
      this.#meter = { pid: machine.pid, meter };
    }
    // One that ends while it is asked gives no sample either.
    const now = await this.#meter.meter.read().catch(() => null);
    const sample = this.#before && now ? vmSample(this.#vmId, this.#before, now) : null;
    this.#before = now;
    if (sample) this.#send({ vms: [sample], host: null });
  }

  end(): void {
    void this.#meter?.meter.stop();
  }
}
