/**
 * The agent's one outbound socket: dials, proves who it is, and stays on the line.
 *
 * It knows nothing of operations. A session gets frames whose epoch is the current one, and nothing it sends can
 * reach the edge under another.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { type AgentFrame, closeCodes, EdgeFrame, linkLimits, pingText, pongText } from "../protocol/agent-link.ts";
import type { Identity } from "./identity.ts";

type WithoutEpoch<F> = F extends unknown ? Omit<F, "epoch"> : never;
export type OutgoingFrame = WithoutEpoch<Exclude<AgentFrame, { type: "hello" }>>;
export type Hello = Omit<Extract<AgentFrame, { type: "hello" }>, "type">;

export interface LinkHandlers {
  hello(): Promise<Hello>;
  /** A higher epoch than ever before: must be on disk when this returns. */
  welcome(epoch: number): void;
  /** The session stands: says what this host has. */
  report(): Promise<void>;
  frame(frame: Exclude<EdgeFrame, { type: "welcome" }>): void | Promise<void>;
  closed(): void;
  log(line: string): void;
}

/** How one connection ended. `healthyMs` is how long it was up. */
interface Closing {
  readonly reason: string;
  readonly code: number;
  readonly healthyMs: number;
}

export class Link {
  readonly #identity: Identity;
  readonly #handlers: LinkHandlers;
  readonly #stop = new AbortController();
  #socket: WebSocket | null = null;
  #epoch = 0;

  constructor(identity: Identity, handlers: LinkHandlers) {
    this.#identity = identity;
    this.#handlers = handlers;
  }

  /** Connects, and connects again, until `stop()`. */
  async run(): Promise<void> {
    let ceilingMs: number = linkLimits.redialFirstMs;
    while (!this.#stop.signal.aborted) {
      const closing = await this.#connect();
      if (this.#stop.signal.aborted) return;
      if (closing.healthyMs >= linkLimits.redialResetMs) ceilingMs = linkLimits.redialFirstMs;
      // Full jitter: after a deploy a thousand hosts dial, and none of them at the same moment.
      const delayMs = closing.code === closeCodes.restarting ? Math.random() * 1000 : Math.random() * ceilingMs;
      ceilingMs = Math.min(ceilingMs * 2, linkLimits.redialMaxMs);
      this.#handlers.log(
        `Not connected to ${this.#identity.edge}: ${closing.reason}. Next try in ${Math.ceil(delayMs)} ms.`,
      );
      await sleep(delayMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  /** Sends on the present session. False when there is none: what must not be lost is sent again in the next. */
  send(frame: OutgoingFrame): boolean {
    if (!this.#socket || this.#epoch === 0) return false;
    this.#socket.send(JSON.stringify({ ...frame, epoch: this.#epoch }));
    return true;
  }

  stop(): void {
    this.#stop.abort();
    this.#socket?.terminate();
  }

  async #connect(): Promise<Closing> {
    const url = new URL("/api/v1/agent/link", this.#identity.edge);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url.href, {
      headers: { Authorization: `Bearer ${await this.#identity.token()}` },
      maxPayload: linkLimits.maxFrameBytes,
      handshakeTimeout: 15_000,
    });
    this.#socket = socket;
    const openedAt = performance.now();
    const { promise, resolve } = Promise.withResolvers<Closing>();
    let closing: Closing | null = null;
    const end = (code: number, reason: string) => {
      closing ??= { code, reason, healthyMs: performance.now() - openedAt };
      socket.terminate();
    };
    const liveness = new Liveness(socket, () => end(0, "the edge fell silent"));

    socket.on("open", () => void this.#greet(socket).catch((error: Error) => end(0, error.message)));
    socket.on("unexpected-response", (_request, response) => {
      this.#identity.adoptClock(response.headers.date);
      end(response.statusCode ?? 0, `it answered ${response.statusCode} ${response.statusMessage}`);
      response.resume();
    });
    socket.on("error", (error) => end(0, error.message || (error as NodeJS.ErrnoException).code || "no connection"));
    // Frames are taken one after the other: `sync` must be through before the first `execute`.
    let turn = Promise.resolve();
    socket.on("message", (data: Buffer) => {
      liveness.heard();
      turn = turn.then(() => this.#receive(data.toString("utf8"))).catch((error: Error) => end(0, error.message));
    });
    socket.on("close", (code, reason) => {
      end(code, `closed with ${code} ${reason.toString()}`.trim());
      liveness.stop();
      this.#socket = null;
      this.#epoch = 0;
      this.#handlers.closed();
      resolve(closing as Closing);
    });
    return promise;
  }

  async #greet(socket: WebSocket): Promise<void> {
    socket.send(JSON.stringify({ type: "hello", ...(await this.#handlers.hello()) } satisfies AgentFrame));
  }

  async #receive(text: string): Promise<void> {
    if (text === pongText) return;
    const frame = EdgeFrame.parse(JSON.parse(text));
    if (frame.type === "welcome") {
      this.#handlers.welcome(frame.epoch);
      this.#epoch = frame.epoch;
      this.#handlers.log(`Connected to ${this.#identity.edge} as ${frame.hostId}, session ${frame.epoch}`);
      return this.#handlers.report();
    }
    if (frame.epoch === this.#epoch) await this.#handlers.frame(frame);
  }
}

/** Text pings, answered by the edge's runtime without waking the host's object, and the clock that runs out without them. */
class Liveness {
  readonly #ping: NodeJS.Timeout;
  readonly #onSilence: () => void;
  #dead: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, onSilence: () => void) {
    this.#onSilence = onSilence;
    const spread = 1 + linkLimits.pingJitter * (2 * Math.random() - 1);
    this.#ping = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send(pingText);
    }, linkLimits.pingIntervalMs * spread);
    this.heard();
  }

  heard(): void {
    clearTimeout(this.#dead);
    this.#dead = setTimeout(this.#onSilence, linkLimits.agentDeadMs);
  }

  stop(): void {
    clearInterval(this.#ping);
    clearTimeout(this.#dead);
  }
}
