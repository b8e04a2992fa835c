/**
 * The agent's one outbound socket: dials, proves who it is, and stays on the line.
 *
 * It knows nothing of operations. A session gets frames whose epoch is the current one, and nothing it sends can
 * reach the edge under another.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { type AgentFrame, EdgeFrame, linkLimits, pongText } from "../protocol/agent-link.ts";
import type { Identity } from "./identity.ts";
import { describeFailure, readRefusal, retryAfterMs } from "./link-failure.ts";
import { Liveness } from "./liveness.ts";
import { proxyFor } from "./proxy.ts";
import { type Closing, Redial } from "./redial.ts";

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

export class Link {
  readonly #identity: Identity;
  readonly #handlers: LinkHandlers;
  readonly #redial = new Redial();
  readonly #stop = new AbortController();
  #socket: WebSocket | null = null;
  #epoch = 0;

  constructor(identity: Identity, handlers: LinkHandlers) {
    this.#identity = identity;
    this.#handlers = handlers;
  }

  /** Connects, and connects again, until `stop()`. */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const closing = await this.#connect();
      if (this.#stop.signal.aborted) return;
      const delayMs = this.#redial.delayAfter(closing);
      this.#handlers.log(this.#report(closing, delayMs));
      await sleep(delayMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  /** Sends on the present session. False when there is none: what must not be lost is sent again in the next. */
  send(frame: OutgoingFrame): boolean {
    if (!this.#socket || this.#epoch === 0) return false;
    this.#socket.send(JSON.stringify({ ...frame, epoch: this.#epoch }));
    return true;
  }

  /** Ends the present connection as a broken network would; `run()` dials again. */
  drop(): void {
    this.#socket?.terminate();
  }

  stop(): void {
    this.#stop.abort();
    this.#socket?.terminate();
  }

  async #connect(): Promise<Closing> {
    const url = new URL("/api/v1/agent/link", this.#identity.edge);
    url.protocol = url.protocol.replace("http", "ws");
    const agent = proxyFor(url);
    const socket = new WebSocket(url.href, {
      ...(agent ? { agent } : {}),
      headers: { Authorization: `Bearer ${await this.#identity.token()}` },
      maxPayload: linkLimits.maxFrameBytes,
      handshakeTimeout: 15_000,
    });
    this.#socket = socket;
    const openedAt = performance.now();
    const { promise, resolve } = Promise.withResolvers<Closing>();
    let closing: Closing | null = null;
    const end = (code: number, reason: string, refusal: Pick<Closing, "errorCode" | "retryAfterMs"> = {}) => {
      closing ??= { code, reason, ...refusal, healthyMs: performance.now() - openedAt };
      socket.terminate();
    };
    const liveness = new Liveness(socket, () => end(0, "the edge fell silent"));

    socket.on("open", () => void this.#greet(socket).catch((error: Error) => end(0, error.message)));
    socket.on("unexpected-response", (_request, response) => {
      // Whoever refuses may hang up while the answer is read.
      response.on("error", () => {});
      this.#identity.adoptClock(response.headers.date);
      void readRefusal(response).then((refusal) => {
        const status = `it answered ${response.statusCode} ${response.statusMessage}`;
        const reason = refusal ? `${status} (${refusal.words})` : status;
        end(response.statusCode ?? 0, reason, { errorCode: refusal?.code, retryAfterMs: retryAfterMs(response) });
      });
    });
    socket.on("error", (error) => end(0, describeFailure(error)));
    // Frames are taken one after the other: `sync` must be through before the first `execute`.
    let turn = Promise.resolve();
    socket.on("message", (data: Buffer) => {
      liveness.heard();
      turn = turn
        .then(() => this.#receive(data.toString("utf8"), liveness))
        .catch((error: Error) => end(0, error.message));
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

  /** What happened, what is kept, and when it is tried again. */
  #report(closing: Closing, delayMs: number): string {
    const what = `Not connected to ${this.#identity.edge}: ${closing.reason}.`;
    const kept = "Machines and operations go on, and what is to be told is kept.";
    const advice = this.#redial.needsPerson(closing)
      ? " The edge does not know this host any more: enrol it again with a new token (POST /hosts/{id}/token, or POST /hosts if it was deleted), or uninstall the agent."
      : "";
    return `${what} ${kept}${advice} Next try in ${Math.ceil(delayMs)} ms.`;
  }

  async #receive(text: string, liveness: Liveness): Promise<void> {
    if (text === pongText) return;
    const frame = EdgeFrame.parse(JSON.parse(text));
    if (frame.type === "welcome") {
      this.#handlers.welcome(frame.epoch);
      this.#epoch = frame.epoch;
      liveness.keepTo(frame.pingIntervalMs, frame.deadMs);
      this.#handlers.log(`Connected to ${this.#identity.edge} as ${frame.hostId}, session ${frame.epoch}`);
      return this.#handlers.report();
    }
    if (frame.epoch === this.#epoch) await this.#handlers.frame(frame);
  }
}
