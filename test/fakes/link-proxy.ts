/**
 * What stands between an agent and its edge, on real sockets: it passes everything on, until a test tells it to lose a
 * frame, to send one twice, to cut the line, or to go silent without closing anything.
 */
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { WebSocket, WebSocketServer } from "ws";

export type Direction = "to-edge" | "to-agent";

export interface FrameFault {
  readonly type: string;
  /** `drop` also cuts the line: frames on one socket aren't lost singly. */
  readonly how: "drop" | "double";
}

interface Line {
  readonly agent: WebSocket;
  readonly edge: WebSocket;
  isSilent: boolean;
}

export class LinkProxy {
  /** Each frame that came by, `>` towards the edge and `<` towards the agent. */
  readonly seen: string[] = [];
  /** When each session was opened, in ms of `performance.now()`. */
  readonly dialled: number[] = [];
  readonly #edge: () => string;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #fault: FrameFault | null = null;

  private constructor(edge: () => string) {
    this.#edge = edge;
    this.#server = createServer((incoming, answer) => {
      const { method, headers, url } = incoming;
      const onward = request(
        new URL(url ?? "/", this.#edge()).href,
        { method: method ?? "GET", headers },
        (response) => {
          answer.writeHead(response.statusCode ?? 502, response.headers);
          response.pipe(answer);
        },
      );
      onward.once("error", () => answer.writeHead(502).end());
      incoming.pipe(onward);
    });
  }

  /** `edge` is asked anew for each connection. */
  static async start(edge: () => string): Promise<LinkProxy> {
    const proxy = new LinkProxy(edge);
    const sockets = new WebSocketServer({ noServer: true });
    proxy.#server.on("upgrade", (incoming, socket, head) => proxy.#dial(sockets, incoming, socket, head));
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next frame of this type has it; `isArmed` tells whether it has come. */
  arm(fault: FrameFault): void {
    this.#fault = fault;
  }

  get isArmed(): boolean {
    return this.#fault !== null;
  }

  disarm(): void {
    this.#fault = null;
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const { agent, edge } of this.#lines) {
      agent.terminate();
      edge.terminate();
    }
  }

  /** Loses whatever is said on the connections that there are, and closes none of them, as a dead network does. */
  silence(): void {
    for (const line of this.#lines) line.isSilent = true;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #dial(sockets: WebSocketServer, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    const { authorization = "", host = "" } = incoming.headers;
    const url = new URL(incoming.url ?? "/", this.#edge());
    url.protocol = "ws:";
    const edge = new WebSocket(url.href, { headers: { Authorization: authorization, Host: host } });
    edge.once("error", () => socket.destroy());
    edge.once("unexpected-response", (_request, response) => {
      const { statusCode, statusMessage, headers } = response;
      void readText(response).then((body) => {
        const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`, `Date: ${headers.date}`, "Connection: close"];
        socket.end([...lines, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n"));
      });
    });
    edge.once("open", () =>
      sockets.handleUpgrade(incoming, socket, head, (agent) => {
        this.dialled.push(performance.now());
        this.#join({ agent, edge, isSilent: false });
      }),
    );
  }

  #join(line: Line): void {
    this.#lines.add(line);
    const pass = (direction: Direction, from: WebSocket, to: WebSocket) => {
      from.on("error", () => {});
      from.on("message", (data: Buffer, isBinary) => {
        if (line.isSilent) return;
        const copies = isBinary ? 1 : this.#copies(direction, data.toString("utf8"));
        for (let copy = 0; copy < copies; copy++) to.send(data, { binary: isBinary });
        if (copies === 0) this.cut();
      });
      from.on("close", (code, reason) => {
        // Its other end hears nothing of that, and stays open until the proxy ends.
        if (line.isSilent) return;
        this.#lines.delete(line);
        // 1005 and 1006 say that there was no code, and can't be sent.
        if (code === 1005 || code === 1006) to.terminate();
        else to.close(code, reason);
      });
    };
    pass("to-edge", line.agent, line.edge);
    pass("to-agent", line.edge, line.agent);
  }

  /** How often a frame goes on: 0, 1 or 2. */
  #copies(direction: Direction, text: string): number {
    if (!text.startsWith("{")) return 1;
    const { type } = JSON.parse(text) as { type: string };
    this.seen.push(`${direction === "to-edge" ? ">" : "<"} ${type}`);
    if (this.#fault?.type !== type) return 1;
    const { how } = this.#fault;
    this.#fault = null;
    return how === "drop" ? 0 : 2;
  }
}
