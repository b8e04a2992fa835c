/** A client on `/ws` for the tests: it keeps what it hears, in order. */
import { SELF } from "cloudflare:test";
import { ServerMessage } from "../../protocol/client-socket.ts";
import type { Client } from "./client.ts";
import { until } from "./agent.ts";

export interface Opened {
  readonly status: number;
  readonly error: { code: string; details: string } | null;
  readonly socket: Socket | null;
}

export async function openSocket(query = "", headers: Record<string, string> = {}): Promise<Opened> {
  const response = await SELF.fetch(`http://edge.test/ws${query}`, {
    headers: { Upgrade: "websocket", "Accept-Language": "en", ...headers },
  });
  const { status, webSocket } = response;
  if (webSocket) return { status, error: null, socket: new Socket(webSocket) };
  const { error } = (await response.json()) as { error: { code: string; details: string } };
  return { status, error, socket: null };
}

export class Socket {
  readonly messages: ServerMessage[] = [];
  readonly #socket: WebSocket;
  closed: { code: number; reason: string } | null = null;
  /** Answers the edge's pings, as a client that reads does. */
  reads = true;
  #ids = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.accept();
    socket.addEventListener("message", ({ data }) => this.#hear(ServerMessage.parse(JSON.parse(String(data)))));
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
    });
  }

  /** One of a client's own, with its token in the address. */
  static async of(client: Client): Promise<Socket> {
    const { socket, error } = await openSocket(`?token=${client.token}`);
    if (!socket) throw new Error(`No socket: ${error?.code}`);
    return socket;
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  sendBytes(bytes: ArrayBuffer): void {
    this.#socket.send(bytes);
  }

  /** Sends a request and resolves with the answer to it. */
  async ask(type: string, data?: object): Promise<any> {
    const id = `q-${++this.#ids}`;
    this.send({ type, data, id });
    await until(
      () => this.closed !== null || this.messages.some((message) => message.id === id),
      `${type} is answered`,
    );
    return this.messages.find((message) => message.id === id);
  }

  subscribe(topic: object): Promise<any> {
    return this.ask("subscribe", topic);
  }

  /** The data of all messages of a type. */
  all<T extends ServerMessage["type"]>(type: T): Extract<ServerMessage, { type: T }>["data"][] {
    return this.messages.flatMap((message) => (message.type === type ? [message.data as never] : []));
  }

  async heard<T extends ServerMessage["type"]>(
    type: T,
    count = 1,
  ): Promise<Extract<ServerMessage, { type: T }>["data"]> {
    await until(
      () => this.all(type).length >= count,
      `${count} ${type} heard: ${JSON.stringify(this.messages.slice(-5))}`,
    );
    return this.all(type)[count - 1] as never;
  }

  async closedWith(): Promise<number> {
    await until(() => this.closed !== null, "it is closed", 20_000);
    return this.closed?.code ?? 0;
  }

  close(): void {
    this.#socket.close(1000, "done");
  }

  #hear(message: ServerMessage): void {
    this.messages.push(message);
    if (message.type === "ping" && this.reads) this.send({ type: "pong", id: message.id });
  }
}
