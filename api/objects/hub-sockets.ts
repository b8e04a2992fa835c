/** The clients' sockets that a hub holds; its hosts' sockets, of consoles, are not among them. */
import { Connection } from "./hub-connection.ts";
import { clientTag } from "./hub-entrance.ts";

export class HubSockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  of(socket: WebSocket): Connection {
    return Connection.of(socket, this.#ctx.storage.kv);
  }

  all(): Connection[] {
    return this.#ctx.getWebSockets(clientTag).map((socket) => this.of(socket));
  }

  /** Those that have said who they are. */
  known(): Connection[] {
    return this.all().filter(({ isOpen, state }) => isOpen && state.session !== null);
  }

  find(id: string): Connection | undefined {
    return this.known().find(({ state }) => state.id === id);
  }
}
