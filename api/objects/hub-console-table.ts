/**
 * Which consoles a hub has. They are in storage, so that they outlive the object's memory, and in memory from the first
 * look on: each frame of a console asks for them.
 */

export interface Console {
  readonly streamId: string;
  readonly connectionId: string;
  readonly hostId: string;
  readonly vmId: string;
  /** As the client called the machine. */
  readonly called: string;
  readonly kind: "vnc" | "serial" | "ssh";
  readonly viewOnly: boolean;
  /** Of the request that asked for it. */
  readonly requestId: string | null;
  /** Null once the host has dialled. */
  readonly ticketHash: string | null;
  /** The host has dialled by then, in ms since 1970. */
  readonly dialledBy: number;
  /** The host has reached its target. */
  readonly opened: boolean;
  /** Bytes of a character whose rest is still to come. */
  readonly rest: readonly number[];
}

const prefix = "console:";

export class ConsoleTable {
  readonly #kv: SyncKvStorage;
  #consoles: Map<string, Console> | null = null;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  get(streamId: string): Console | undefined {
    return this.#known().get(streamId);
  }

  all(): Console[] {
    return [...this.#known().values()];
  }

  put(console: Console): void {
    this.#kv.put(`${prefix}${console.streamId}`, console);
    this.#known().set(console.streamId, console);
  }

  /** Of one that is no more there, nothing. */
  change(streamId: string, values: Partial<Console>): void {
    const console = this.get(streamId);
    if (console) this.put({ ...console, ...values });
  }

  forget(streamId: string): void {
    if (this.#known().delete(streamId)) this.#kv.delete(`${prefix}${streamId}`);
  }

  #known(): Map<string, Console> {
    this.#consoles ??= new Map(
      [...this.#kv.list<Console>({ prefix })].map(([, console]) => [console.streamId, console] as const),
    );
    return this.#consoles;
  }
}
