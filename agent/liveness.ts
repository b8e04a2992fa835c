/** Text pings, answered by the edge's runtime without waking the host's object, and the clock that runs out without them. */
import { WebSocket } from "ws";
import { linkLimits, pingText } from "../protocol/agent-link.ts";

export class Liveness {
  readonly #socket: WebSocket;
  readonly #onSilence: () => void;
  #ping: NodeJS.Timeout | undefined;
  #dead: NodeJS.Timeout | undefined;
  #deadMs = 0;

  constructor(socket: WebSocket, onSilence: () => void) {
    this.#socket = socket;
    this.#onSilence = onSilence;
    this.keepTo(linkLimits.pingIntervalMs, linkLimits.agentDeadMs);
  }

  /** As the edge says in its welcome. */
  keepTo(pingMs: number, deadMs: number): void {
    this.stop();
    this.#deadMs = deadMs;
    const spread = 1 + linkLimits.pingJitter * (2 * Math.random() - 1);
    this.#ping = setInterval(() => {
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(pingText);
    }, pingMs * spread);
    this.heard();
  }

  heard(): void {
    clearTimeout(this.#dead);
    this.#dead = setTimeout(this.#onSilence, this.#deadMs);
  }

  stop(): void {
    clearInterval(this.#ping);
    clearTimeout(this.#dead);
  }
}
