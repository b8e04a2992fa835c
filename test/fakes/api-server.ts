/** The far end of a client's calls: a real HTTP server that answers what the test says, and remembers what it was asked. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly data?: unknown;
  readonly error?: { code: string; message: string; details?: string };
  readonly headers?: Record<string, string>;
  /** In place of the envelope. */
  readonly raw?: string;
  /** The request is taken, and then the connection breaks. */
  readonly cut?: boolean;
}

export class ApiServer {
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor(answer: (asked: Asked, before: number) => FakeAnswer | Promise<FakeAnswer>) {
    const take = async (request: IncomingMessage, response: ServerResponse) => {
      const { method = "", url = "", headers } = request;
      const asked = { method, url, headers, body: await readAll(request) };
      this.asked.push(asked);
      const before = this.asked.filter((one) => one.method === method && one.url === url).length - 1;
      const { status = 200, data, error, headers: more = {}, raw, cut = false } = await answer(asked, before);
      if (cut) return void response.destroy();
      const body = error ? { success: false, error } : { success: true, data };
      const timestamp = new Date().toISOString();
      response.writeHead(status, { "Content-Type": raw === undefined ? "application/json" : "text/html", ...more });
      response.end(status === 204 ? undefined : (raw ?? JSON.stringify({ ...body, message: "ok", timestamp })));
    };
    this.#server = createServer((request, response) => void take(request, response));
  }

  /** `before` says how often the same was asked before. */
  static async start(answer: (asked: Asked, before: number) => FakeAnswer | Promise<FakeAnswer>): Promise<ApiServer> {
    const fake = new ApiServer(answer);
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1`;
  }

  get server(): Server {
    return this.#server;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
