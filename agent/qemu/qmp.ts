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
}

export interface QmpEvent {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

const defaultTimeoutMs = 5_000;
/** A line of QMP is a few kilobytes; a peer that sends more without an end is broken. */
const maxLineBytes = 4_194_304;

export class Qmp extends EventEmitter<{ event: [QmpEvent]; close: [] }> {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #buffer = "";
  #closed = false;

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#end());
  }

  /** Connects and negotiates. Errors: `QmpLost` when nobody listens or nobody answers in time. */
  static async connect(path: string, timeoutMs: number = defaultTimeoutMs): Promise<Qmp> {
    const socket = connect(path);
    const qmp = new Qmp(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new QmpLost("The monitor sent no greeting in time")), timeoutMs);
    qmp.#greeted = resolve;
    socket.once("close", () => reject(new QmpLost("The monitor can't be reached")));
    try {
      await promise;
      await qmp.execute("qmp_capabilities", undefined, timeoutMs);
      return qmp;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #greeted: () => void = () => {};

  /** Errors: `QmpError` when QEMU refuses, `QmpLost` when it is silent for `timeoutMs` or gone. */
  execute<T = unknown>(command: string, args?: Record<string, unknown>, timeoutMs = defaultTimeoutMs): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#closed) {
      reject(new QmpLost("The monitor is closed"));
    } else {
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new QmpLost(`The monitor did not answer ${command} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.write(`${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}), id })}\n`);
    }
    return promise as Promise<T>;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    const lines = (this.#buffer + text).split("\n");
    this.#buffer = lines.pop() ?? "";
    if (this.#buffer.length > maxLineBytes) this.#socket.destroy();
    for (const line of lines) {
      if (line.trim() !== "") this.#take(line);
    }
  }

  #take(line: string): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(line) as Record<string, unknown>;
    } catch {
      // Not QMP: nothing that follows can be trusted.
      this.#socket.destroy();
      return;
    }
    if ("QMP" in message) return this.#greeted();
    if (typeof message["event"] === "string") {
      const data = (message["data"] ?? {}) as Record<string, unknown>;
      this.emit("event", { event: message["event"], data });
      return;
    }
    const pending = this.#pending.get(message["id"] as number);
    if (!pending) return;
    this.#pending.delete(message["id"] as number);
    clearTimeout(pending.timer);
    const error = message["error"] as { class: string; desc: string } | undefined;
    if (error) pending.reject(new QmpError(error.class, error.desc));
    else pending.resolve(message["return"]);
  }

  #end(): void {
    this.#closed = true;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new QmpLost("The monitor closed the connection"));
    }
    this.#pending.clear();
    this.emit("close");
  }
}
