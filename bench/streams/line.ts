/** The client's end of whatever is measured: bytes, and credit where the protocol has it. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { creditProtocol, StreamControl, streamLimits } from "../../protocol/streams.ts";

const { windowBytes, tunnelWindowBytes } = streamLimits;

export interface LineOptions {
  readonly url: string;
  readonly token?: string;
  /** Speaks `voidvm.credit.v1`, with the window of a tunnel, as the SDKs do. */
  readonly aware?: boolean;
  /** Has the far end come, which tells by a text that it is there. */
  readonly onOpen?: () => void;
}

export class Line {
  readonly socket: WebSocket;
  bytes = 0;
  readonly #aware: boolean;
  readonly #there = Promise.withResolvers<void>();
  #check: () => void = () => {};
  #failed: (error: Error) => void = () => {};
  #ungranted = 0;

  private constructor({ url, token, aware = false }: LineOptions) {
    this.#aware = aware;
    this.socket = new WebSocket(url, aware ? [creditProtocol] : [], {
      perMessageDeflate: false,
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    });
    this.socket.on("close", (code, reason) =>
      this.#failed(new Error(`Closed with ${code} ${reason.toString()} after ${this.bytes} bytes`)),
    );
    this.socket.on("message", (data: Buffer, isBinary: boolean) => this.#hear(data, isBinary));
  }

  static async open(options: LineOptions): Promise<Line> {
    const line = new Line(options);
    await once(line.socket, "open");
    options.onOpen?.();
    if (options.aware || options.onOpen) await line.#there.promise;
    return line;
  }

  send(data: Buffer): void {
    this.socket.send(data);
  }

  /** Resolves when so many bytes have come. */
  async hears(bytes: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#failed = reject;
    this.#check = () => {
      if (this.bytes >= bytes) resolve();
    };
    this.#check();
    await promise;
  }

  close(): void {
    this.socket.terminate();
  }

  #hear(data: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      const isOpened = !this.#aware || StreamControl.parse(JSON.parse(data.toString())).type === "opened";
      if (!isOpened) return;
      if (this.#aware) this.#grant(tunnelWindowBytes - windowBytes);
      return this.#there.resolve();
    }
    this.bytes += data.length;
    this.#ungranted += data.length;
    if (this.#aware && this.#ungranted >= tunnelWindowBytes / 2) {
      this.#grant(this.#ungranted);
      this.#ungranted = 0;
    }
    this.#check();
  }

  #grant(bytes: number): void {
    this.socket.send(JSON.stringify({ type: "credit", bytes } satisfies StreamControl));
  }
}
