/** A client on `/ws` of a running cloud, for the tests: it keeps what it hears, and answers pings as one that reads does. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import type { ServerMessage } from "../../protocol/client-socket.ts";

type Type = ServerMessage["type"];
type Data<T extends Type> = Extract<ServerMessage, { type: T }>["data"];

export class HubSocket {
  readonly messages: ServerMessage[] = [];
  readonly #socket: WebSocket;
  #ids = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (text: Buffer) => {
      const message = JSON.parse(text.toString("utf8")) as ServerMessage;
      this.messages.push(message);
      if (message.type === "ping") this.send("pong", {}, message.id);
    });
  }

  static async open(port: number, token: string): Promise<HubSocket> {
    const socket = new WebSocket(`ws://localhost:${port}/ws`, { headers: { Authorization: `Bearer ${token}` } });
    const hub = new HubSocket(socket);
    await once(socket, "open");
    return hub;
  }

  send(type: string, data: object, id?: string): void {
    this.#socket.send(JSON.stringify({ type, data, ...(id === undefined ? {} : { id }) }));
  }

  /** The answer to a request. */
  async ask(type: string, data: object): Promise<ServerMessage> {
    const id = `q-${++this.#ids}`;
    this.send(type, data, id);
    return this.until(`${type} is answered`, () => this.messages.find((message) => message.id === id));
  }

  /** The data of all messages of a type. */
  all<T extends Type>(type: T): Data<T>[] {
    return this.messages.flatMap((message) => (message.type === type ? [message.data as Data<T>] : []));
  }

  /** All that the terminal of a machine has shown. */
  terminal(vmId: string): string {
    const outputs = this.all("terminal-output").filter((data) => data.vmId === vmId);
    return outputs.map(({ output }) => output).join("");
  }

  async shows(vmId: string, what: RegExp): Promise<string> {
    return this.until(`${what} in ${JSON.stringify(this.terminal(vmId).slice(-300))}`, () =>
      what.test(this.terminal(vmId)) ? this.terminal(vmId) : undefined,
    );
  }

  async until<T>(what: string, look: () => T | undefined | false, timeoutMs = 120_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (Date.now() > deadline) {
        throw new Error(`Not in time: ${what}; heard last: ${JSON.stringify(this.messages.slice(-3)).slice(0, 500)}`);
      }
      await sleep(50);
    }
  }

  close(): void {
    this.#socket.close();
  }
}
