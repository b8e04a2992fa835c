/**
 * A proxy in front of a server that loses answers: it hands a request on, waits until the server has answered, and then cuts
 * the client's connection in place of telling it.
 */
import { createServer, request as askServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class CuttingProxy {
  /** How often an answer was lost. */
  lost = 0;
  readonly #server: Server;
  readonly #loses: (method: string, path: string) => boolean;

  private constructor(target: URL, loses: (method: string, path: string) => boolean) {
    this.#loses = loses;
    this.#server = createServer((request, response) => this.#pass(target, request, response));
  }

  /** `loses` says whose answer gets lost. */
  static async start(target: string, loses: (method: string, path: string) => boolean): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(target), loses);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass({ hostname, port }: URL, request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    const onward = askServer({ hostname, port, method, path: url, headers }, (answer) => {
      if (this.#loses(method, url)) {
        this.lost += 1;
        answer.resume().on("end", () => response.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }
}
