/**
 * The host's end of a stream: what a kind of target gives, and all that the socket to the edge knows of it.
 *
 * Bytes go through `stream`, with Node's own backpressure in both directions: the socket reads only what it may send,
 * and grants the client more only as writes are taken. `opened` and `end` are the socket's affair; every other control
 * passes through here.
 */
import type { Duplex } from "node:stream";
import type { StreamControl, StreamKind, StreamTarget } from "../../protocol/streams.ts";
import type { Host } from "../operations/operation.ts";

export interface StreamEnd {
  /**
   * Its end is the end of the target's bytes, its failure is told to the client (a `HostError` with its code), and it is
   * destroyed when the client has gone. Ended by the client's `end`.
   */
  readonly stream: Duplex;
  /** False: the client may only look. What it writes all the same, the end drops itself. */
  readonly writable: boolean;
  /** A control of the client's. */
  control?(message: StreamControl): void;
  /** Called once, before anything is read: the listener takes the end's own controls for the client. */
  onControl?(listener: (message: StreamControl) => void): void;
}

export type TargetOf<K extends StreamKind> = Extract<StreamTarget, { kind: K }>;

/** Reaches the target. Errors: `HostError`, which the client is told. */
export type OpenStream<K extends StreamKind> = (target: TargetOf<K>, host: Host) => Promise<StreamEnd>;
