/** A TCP relay that makes a way long: what is said arrives after a while, in both directions, in order and unharmed. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export class DelayRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #address: string;

  private constructor(address: string, port: number, oneWayMs: number) {
    this.#address = address;
    this.#server = createServer((from) => {
      const to = connect(port, address);
      this.#pass(from, to, oneWayMs);
      this.#pass(to, from, oneWayMs);
    });
  }

  /** From a free port of `address` to `port` there. */
  static async start(address: string, port: number, oneWayMs: number): Promise<DelayRelay> {
    const relay = new DelayRelay(address, port, oneWayMs);
    await new Promise<void>((resolve) => relay.#server.listen(0, address, resolve));
    return relay;
  }

  get origin(): string {
    return `http://${this.#address}:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(from: Socket, to: Socket, oneWayMs: number): void {
    this.#sockets.add(from);
    // Timers of the same length fire in the order in which they were set.
    from.on("data", (data) => void setTimeout(() => to.write(data), oneWayMs));
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      setTimeout(() => to.destroy(), oneWayMs);
    });
  }
}
