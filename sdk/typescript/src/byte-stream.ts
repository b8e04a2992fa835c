/**
 * Bytes to and from a machine: its screen (RFB), its serial console, or a TCP port.
 *
 * Both directions are bounded by credit: the far end sends no more than is granted here, and it is granted as the reader
 * takes it, so a reader that stops costs one window of memory and no more.
 */
import { VoidVMError } from "./errors.ts";
import { creditProtocol, maxStreamFrame, retryableErrors, type StreamControl, streamWindow } from "./generated.ts";
import type { ClientOptions, SocketLike } from "./options.ts";
import { abortable } from "./pause.ts";
import { closedError, openSocket } from "./socket.ts";

/** What may be said beside the bytes. */
export type StreamCommand = Extract<StreamControl, { type: "take-over" | "resize" | "mouse" | "key" | "text" }>;

export interface ByteStreamEvents {
  /** So many bytes of a serial console were left out, since they were not read in time. */
  readonly onGap?: ((bytes: number) => void) | undefined;
  /** The right to write to a serial console has come or gone. */
  readonly onWriter?: ((writable: boolean) => void) | undefined;
}

export class ByteStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Closing it tells the far end that no more comes; it may still be read. */
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when it is over, with what it ended by; null for an orderly end. */
  readonly closed: Promise<VoidVMError | null>;
  /** Whether what is written arrives: a serial console has one writer at a time. */
  isWriter = false;
  readonly #events: ByteStreamEvents;
  readonly #window: number;
  readonly #opened: Promise<void>;
  readonly #open: PromiseWithResolvers<void> = withResolvers();
  readonly #close: PromiseWithResolvers<VoidVMError | null> = withResolvers();
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  #socket: SocketLike | null = null;
  #reader: PromiseWithResolvers<void> | null = null;
  #writer: PromiseWithResolvers<void> | null = null;
  #credit = streamWindow;
  #consumed = 0;
  #hasEnded = false;
  #ending: VoidVMError | null | undefined;

  private constructor(window: number, events: ByteStreamEvents) {
    this.#window = window;
    this.#events = events;
    this.#opened = this.#open.promise;
    this.closed = this.#close.promise;
    this.readable = new ReadableStream(
      { pull: (controller) => this.#pull(controller), cancel: () => this.close() },
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream({
      write: (chunk) => this.#write(chunk),
      close: () => this.#send({ type: "end" }),
      abort: () => this.close(),
    });
  }

  /**
   * Resolves once the far end is reached, and rejects with why it isn't. The far end may be `window` bytes ahead of the
   * reader: at least `streamWindow`, with which it begins.
   */
  static async open(
    options: ClientOptions,
    url: string,
    {
      signal,
      window = streamWindow,
      ...events
    }: ByteStreamEvents & { readonly signal?: AbortSignal | undefined; readonly window?: number | undefined },
  ): Promise<ByteStream> {
    const stream = new ByteStream(window, events);
    const sink = {
      message: (data: string | ArrayBuffer) => stream.#take(data),
      close: (code: number, reason: string) => stream.#end(code === 1000 ? null : closedError(code, reason)),
    };
    stream.#socket = await openSocket(options, url, [creditProtocol], sink, signal);
    signal?.addEventListener("abort", () => stream.#end(signal.reason as VoidVMError), { once: true });
    await abortable(stream.#opened, signal);
    return stream;
  }

  /** Says something beside the bytes. */
  send(command: StreamCommand): void {
    this.#send(command);
  }

  close(): void {
    this.#end(null);
  }

  #take(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      this.#waiting.push(new Uint8Array(data));
      return this.#reader?.resolve();
    }
    const message = JSON.parse(data) as StreamControl;
    switch (message.type) {
      case "opened":
        this.isWriter = message.writable;
        this.#grant(this.#window - streamWindow);
        return this.#open.resolve();
      case "credit":
        this.#credit += message.bytes;
        return this.#writer?.resolve();
      case "gap":
        return this.#events.onGap?.(message.bytes);
      case "writer":
        this.isWriter = message.writable;
        return this.#events.onWriter?.(message.writable);
      case "end":
        this.#hasEnded = true;
        return this.#reader?.resolve();
      case "closed": {
        const { code, message: why } = message;
        const retryable = code !== null && retryableErrors.includes(code);
        return this.#end(code === null ? null : new VoidVMError({ code, message: why ?? code, retryable }));
      }
      default:
        // A newer server may say more.
        return;
    }
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    while (this.#waiting.length === 0 && !this.#hasEnded && this.#ending === undefined) {
      this.#reader = withResolvers();
      await this.#reader.promise;
    }
    const chunk = this.#waiting.shift();
    if (chunk === undefined) return this.#ending ? controller.error(this.#ending) : controller.close();
    this.#consumed += chunk.length;
    if (this.#consumed >= this.#window / 2) {
      this.#grant(this.#consumed);
      this.#consumed = 0;
    }
    controller.enqueue(chunk);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length;) {
      while (this.#credit === 0 && this.#ending === undefined) {
        this.#writer = withResolvers();
        await this.#writer.promise;
      }
      if (this.#ending !== undefined) throw this.#ending ?? closedError(1000, "The stream is over");
      const piece = chunk.slice(from, from + Math.min(this.#credit, maxStreamFrame));
      this.#credit -= piece.length;
      from += piece.length;
      this.#socket?.send(piece);
    }
  }

  #grant(bytes: number): void {
    if (bytes > 0) this.#send({ type: "credit", bytes });
  }

  #send(message: StreamControl): void {
    if (this.#ending === undefined) this.#socket?.send(JSON.stringify(message));
  }

  #end(ending: VoidVMError | null): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#open.reject(ending ?? closedError(1000, "It was closed before it was open"));
    // Who waits for it hears of it; nobody has to.
    this.#open.promise.catch(() => {});
    this.#reader?.resolve();
    this.#writer?.resolve();
    this.#socket?.close(1000);
    this.#close.resolve(ending);
  }
}

/** `Promise.withResolvers` is younger than Node 20. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T | PromiseLike<T>) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T | PromiseLike<T>): void;
  reject(reason: unknown): void;
}
