/** The streams of this host: carries out the edge's orders to dial, and joins each socket to what it is for. */
import { type StreamKind, type StreamOrder, streamLimits } from "../../protocol/streams.ts";
import { HostError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { Host } from "../operations/operation.ts";
import { dialStream } from "./dial.ts";
import { openSerial } from "./serial.ts";
import { openSsh } from "./ssh.ts";
import type { OpenStream, StreamEnd } from "./stream-end.ts";
import { openTcp } from "./tcp.ts";
import { openVnc } from "./vnc.ts";

export interface StreamsOptions {
  readonly identity: Identity;
  readonly host: Host;
  readonly log: (line: string) => void;
}

const targets: { readonly [K in StreamKind]: OpenStream<K> } = {
  serial: openSerial,
  ssh: openSsh,
  tcp: openTcp,
  vnc: openVnc,
};

export class Streams {
  readonly #options: StreamsOptions;
  readonly #openTarget: typeof openTarget;
  #count = 0;

  /** `open` reaches a target; other than the host's own only in measurements and tests. */
  constructor(options: StreamsOptions, open: typeof openTarget = openTarget) {
    this.#options = options;
    this.#openTarget = open;
  }

  /** Whatever becomes of it, the client is told by the socket, or by the edge where there was none in time. */
  async open({ ticket, target, streamId }: StreamOrder): Promise<void> {
    const { identity, host, log } = this.#options;
    this.#count++;
    try {
      const stream = await dialStream(identity, ticket);
      stream.onClose(() => this.#count--);
      try {
        if (this.#count > streamLimits.maxPerHost) {
          throw new HostError("TOO_MANY_STREAMS", `This host has ${streamLimits.maxPerHost} streams already`);
        }
        stream.join(await this.#openTarget(target, host));
      } catch (error) {
        stream.finish(error as Error);
      }
    } catch (error) {
      this.#count--;
      log(`${streamId} could not be opened at the edge: ${(error as Error).message}`);
    }
  }
}

function openTarget(target: StreamOrder["target"], host: Host): Promise<StreamEnd> {
  const open: (target: never, host: Host) => Promise<StreamEnd> = targets[target.kind];
  return open(target as never, host);
}
