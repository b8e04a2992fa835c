/** An edge at the far end of a real socket, which says what a test tells it to and keeps what it hears. */
import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import { AgentFrame, type EdgeFrame, pingText, pongText } from "../../protocol/agent-link.ts";
import { streamTicketHeader } from "../../protocol/streams.ts";
import { WsPeer } from "./ws-peer.ts";

export class FakeEdge {
  readonly frames: AgentFrame[] = [];
  /** The `Authorization` of each dial. */
  readonly tokens: string[] = [];
  /** Answers dials with this status in place of a socket while it is set. */
  refuseWith: { status: number; date: Date; code?: string } | null = null;
  /** The sockets of streams that were dialled, by the ticket. */
  readonly streams = new Map<string, WsPeer>();
  /** What a client has sent before its stream was dialled: it comes in one packet with the upgrade. */
  firstBytes = "";
  epoch = 0;
  /** What `welcome` says, in ms. */
  figures = { pingIntervalMs: 20_000, deadMs: 45_000 };
  /** What `sync` says is wanted. */
  wanted: string[] = [];
  readonly #server: Server;
  #socket: WebSocket | null = null;
  #assets: { path: string; folder: string } | null = null;

  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
  }

  /** With a certificate it speaks TLS. */
  static async start(certificate?: { readonly key: string; readonly cert: string }): Promise<FakeEdge> {
    const server = certificate ? createTlsServer({ ...certificate }) : createServer();
    const edge = new FakeEdge(server, certificate ? "https" : "http");
    server.on("request", (request, response) => void edge.#answer(request.url ?? "/", response));
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => {
      edge.tokens.push(request.headers.authorization ?? "");
      if (edge.refuseWith) {
        const { status, date, code } = edge.refuseWith;
        const body = code ? JSON.stringify({ error: { code, message: "No", details: "not known here" } }) : "";
        socket.end(
          `HTTP/1.1 ${status} Refused\r\nDate: ${date.toUTCString()}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
        );
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        // An agent that is killed, or a proxy that cuts, resets the connection.
        webSocket.on("error", () => {});
        const ticket = request.headers[streamTicketHeader.toLowerCase()];
        if (request.url !== "/api/v1/agent/stream") return edge.#accept(webSocket);
        if (edge.firstBytes !== "") webSocket.send(Buffer.from(edge.firstBytes));
        edge.streams.set(String(ticket), new WsPeer(webSocket));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return edge;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  send(frame: EdgeFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket?.send(text);
  }

  /** Answers what is asked below `path` with the files of a folder. */
  serve(path: string, folder: string): void {
    this.#assets = { path, folder };
  }

  /** Closes with a code, as an edge that has a reason. */
  close(code: number, reason: string): void {
    this.#socket?.close(code, reason);
  }

  /** Cuts the connection as a network does: no closing handshake. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** The first frame of this type, now or in time, from the `skip`th on. */
  async heard<T extends AgentFrame["type"]>(
    type: T,
    skip = 0,
    timeoutMs = 15_000,
  ): Promise<Extract<AgentFrame, { type: T }>> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.frames.filter((frame) => frame.type === type)[skip];
      if (found) return found as Extract<AgentFrame, { type: T }>;
      if (Date.now() > deadline) throw new Error(`No ${type} heard: ${JSON.stringify(this.frames)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** The socket that was dialled with this ticket, now or in time. */
  async stream(ticket: string): Promise<WsPeer> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const found = this.streams.get(ticket);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`Nobody dialled with ${ticket}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    this.cut();
    for (const peer of this.streams.values()) peer.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(url: string, response: ServerResponse): Promise<void> {
    if (!this.#assets) {
      const answer = { success: true, data: { hostId: `host-${"0".repeat(26)}`, name: "h" } };
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
      return;
    }
    const { path, folder } = this.#assets;
    const content = await readFile(join(folder, url.slice(path.length))).catch(() => null);
    response.writeHead(content ? 200 : 404).end(content);
  }

  #accept(socket: WebSocket): void {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const text = data.toString("utf8");
      if (text === pingText) return socket.send(pongText);
      const frame = AgentFrame.parse(JSON.parse(text));
      this.frames.push(frame);
      if (frame.type === "hello") {
        this.epoch = Math.max(this.epoch, frame.greatestEpoch) + 1;
        this.send({
          type: "welcome",
          epoch: this.epoch,
          protocol: 1,
          hostId: "host-1",
          ...this.figures,
        });
      }
      if (frame.type === "report" && frame.last) this.send({ type: "sync", epoch: this.epoch, wanted: this.wanted });
    });
  }
}
