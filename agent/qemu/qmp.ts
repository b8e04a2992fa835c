/**
 * A client of QEMU's monitor protocol (QMP) on a unix socket: commands with a deadline each, and events.
 *
 * https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
import { EventEmitter } from "node:events";
import { connect, type Socket } from "node:net";

/** A refusal by QEMU, by its own class, such as `CommandNotFound`. */
export class QmpError extends Error {
  override readonly name = "QmpError";
  readonly qmpClass: string;

  constructor(qmpClass: string, description: string) {
    super(description);
    this.qmpClass = qmpClass;
  }
}

/** The monitor did not answer, or went away. Whether the command took effect is not known. */
export class QmpLost extends Error {
  override readonly name = "QmpLost";
  /** Of the socket, such as ECONNREFUSED; null where that isn't the cause. */
  readonly code: string | null;

  constructor(message: string, code: string | null = null) {
    super(message);
    this.code = code;
  }
}

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

const defaultTimeoutMs = 5_000;
/** In characters. A line of QMP has a few thousand; a peer that sends more without an end is broken. */
const maxLine = 4_194_304;

export class Qmp extends EventEmitter<{ event: [QmpEvent]; close: [] }> {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #greeted = Promise.withResolvers<void>();
  #nextId = 1;
  #buffer = "";
  #closed = false;
  #lost = new QmpLost("The monitor closed the connection");

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    this.#greeted.promise.catch(() => {});
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => this.#fail(message, code));
    socket.on("close", () => this.#end());
  }

  /**
   * Connects and negotiates. QEMU serves one client at a time: a second one waits for its greeting in vain.
   *
   * Errors: `QmpLost`, when nobody listens or nobody answers within `timeoutMs`.
   */
  static async connect(path: string, timeoutMs: number = defaultTimeoutMs): Promise<Qmp> {
    const qmp = new Qmp(connect(path));
    const timer = setTimeout(() => qmp.#fail(`The monitor did not answer within ${timeoutMs} ms`), timeoutMs);
    try {
      await qmp.#greeted.promise;
      await qmp.execute("qmp_capabilities", undefined, timeoutMs);
      return qmp;
    } catch (error) {
      qmp.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Errors: `QmpError` when QEMU refuses, `QmpLost` when it is silent for `timeoutMs` or gone. */
  execute<T = unknown>(command: string, args?: object, timeoutMs: number = defaultTimeoutMs): Promise<T> {
    if (this.#closed) return Promise.reject(this.#lost);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = this.#nextId++;
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      reject(new QmpLost(`The monitor did not answer ${command} within ${timeoutMs} ms`));
    }, timeoutMs);
    this.#pending.set(id, { resolve, reject, timer });
    this.#socket.write(`${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}), id })}\n`);
    return promise as Promise<T>;
  }

  close(): void {
    this.#fail("The connection to the monitor was closed by the agent");
  }

  #read(text: string): void {
    const lines = (this.#buffer + text).split("\n");
    this.#buffer = lines.pop() ?? "";
    if (this.#buffer.length > maxLine) return this.#fail("The monitor sent a line without an end");
    for (const line of lines) {
      if (line.trim() !== "" && !this.#closed) this.#take(line);
    }
  }

  #take(line: string): void {
    const message = parse(line);
    // Not QMP: nothing that follows can be trusted.
    if (message === null) return this.#fail("What answers is not a monitor");
    if ("QMP" in message) return this.#greeted.resolve();
    if (typeof message["event"] === "string") {
      this.emit("event", { event: message["event"], data: (message["data"] ?? {}) as Record<string, unknown> });
      return;
    }
    const id = message["id"] as number;
    const pending = this.#pending.get(id);
    // An answer that came after its deadline finds nobody.
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    const error = message["error"] as { class?: string; desc?: string } | undefined;
    if (error) pending.reject(new QmpError(error.class ?? "GenericError", error.desc ?? "no description"));
    else pending.resolve(message["return"]);
  }

  #fail(reason: string, code: string | null = null): void {
    if (!this.#closed) this.#lost = new QmpLost(reason, code);
    this.#socket.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#greeted.reject(this.#lost);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#lost);
    }
    this.#pending.clear();
    this.emit("close");
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === "object" && message !== null ? (message as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
