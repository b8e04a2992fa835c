/** A publisher's server, real and on loopback, that behaves as badly as a test wants. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (response: ServerResponse, request: IncomingMessage) => void;

export class FakeImageServer {
  /** By path. What isn't there is 404. */
  readonly files = new Map<string, Handler | string | Buffer>();
  /** The path of each request. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? "";
      this.requests.push(path);
      const file = this.files.get(path);
      if (typeof file === "function") return file(response, request);
      response.statusCode = file === undefined ? 404 : 200;
      response.end(file);
    });
  }

  static async start(): Promise<FakeImageServer> {
    const server = new FakeImageServer();
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string, host = "127.0.0.1"): string {
    return `http://${host}:${this.port}${path}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function redirectTo(location: string, status = 302): Handler {
  return (response) => response.writeHead(status, { location }).end();
}

/** Says `claimed` bytes, sends `sent` of them, and then breaks the connection or falls silent. */
export function sendPart(sent: Buffer, claimed: number, then: "breaks" | "stalls"): Handler {
  return (response) => {
    response.writeHead(200, { "content-length": claimed });
    response.write(sent, () => {
      if (then === "breaks") response.destroy();
    });
  };
}

/** Sends zeros until nobody listens any more. */
export const sendForEver: Handler = (response) => {
  const chunk = Buffer.alloc(65_536);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", more);
  more();
};
