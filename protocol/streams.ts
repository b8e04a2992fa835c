/**
 * Streams: bytes between a client and something on a host, through a Durable Object that pairs two sockets.
 *
 * The host dials a second outbound socket for each. Binary frames are the bytes, at most 64 KiB each; text frames are
 * `StreamControl`. A sender sends no more bytes than it was granted, because no runtime on the way tells how much it
 * has buffered. The grants come from the final reader: a client that speaks the subprotocol below, or the edge itself on
 * behalf of clients that know nothing of it (noVNC, xterm.js).
 */
import * as z from "zod";
import { SshCredentials } from "./client-socket.ts";
import { VmId } from "./vm.ts";

/** Times in ms, sizes in bytes. */
export const streamLimits = {
  maxFrameBytes: 65_536,
  /** Granted at the beginning, in both directions; renewed when half of it is consumed. */
  windowBytes: 262_144,
  /**
   * What a client that grants nothing is sent before it must show a sign of life, and may send ahead of the host; what
   * one that grants may have granted and not been sent. Less than the 8 MiB that a stalled reader may cost.
   */
  unawareBytes: 6_291_456,
  scrollbackBytes: 262_144,
  maxPerHost: 32,
  idleMs: 1_800_000,
  /** The host has to dial within this. */
  dialMs: 10_000,
} as const;

/** The WebSocket subprotocol of clients that grant credit themselves: text frames are `StreamControl` in both directions. */
export const creditProtocol = "voidvm.credit.v1";

/** Of the host's dial: the ticket of its order. */
export const streamTicketHeader = "X-VoidVM-Stream-Ticket";

export const StreamKind = z.enum(["vnc", "serial", "ssh", "tcp"]);
export type StreamKind = z.infer<typeof StreamKind>;

/** What opens a stream: the address of a WebSocket, good once. */
export const StreamTicket = z.object({ url: z.url(), expiresAt: z.iso.datetime() });
export type StreamTicket = z.infer<typeof StreamTicket>;

/** Where the host's end leads to. */
export const StreamTarget = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("vnc"), vmId: VmId, viewOnly: z.boolean() }),
  z.strictObject({ kind: z.literal("serial"), vmId: VmId, write: z.enum(["if-free", "take-over", "never"]) }),
  z.strictObject({
    kind: z.literal("ssh"),
    vmId: VmId,
    credentials: SshCredentials,
    cols: z.int().min(1).max(1_000),
    rows: z.int().min(1).max(1_000),
  }),
  z.strictObject({ kind: z.literal("tcp"), vmId: VmId, port: z.int().min(1).max(65_535) }),
]);
export type StreamTarget = z.infer<typeof StreamTarget>;

/** Edge to agent, on the link: dial `GET /api/v1/agent/stream` with this ticket, and join it to the target. */
export const StreamOrder = z.strictObject({
  streamId: z.string().regex(/^stream-[0-9a-hjkmnp-tv-z]{26}$/),
  /** Names the object that waits, and is good once. */
  ticket: z.string().max(512),
  target: StreamTarget,
});
export type StreamOrder = z.infer<typeof StreamOrder>;

export const StreamControl = z.discriminatedUnion("type", [
  /** Host to client: the target is reached. `writable` is false for who may only look. */
  z.strictObject({ type: z.literal("opened"), writable: z.boolean() }),
  /** The receiver of this may send so many bytes more. */
  z.strictObject({ type: z.literal("credit"), bytes: z.int().min(1).max(16_777_216) }),
  /** Host to client: so many bytes were left out, because nobody granted room for them. Serial only. */
  z.strictObject({ type: z.literal("gap"), bytes: z.int().min(1) }),
  /** Host to client: the right to write to a serial console has come or gone. */
  z.strictObject({ type: z.literal("writer"), writable: z.boolean() }),
  /** Client to host: asks for the right to write to a serial console. */
  z.strictObject({ type: z.literal("take-over") }),
  /** Client to host, ssh. */
  z.strictObject({ type: z.literal("resize"), cols: z.int().min(1).max(1_000), rows: z.int().min(1).max(1_000) }),
  /** Client to host, vnc: input beside the client's own RFB messages. */
  z.strictObject({
    type: z.literal("mouse"),
    x: z.int().min(0).max(65_535),
    y: z.int().min(0).max(65_535),
    buttons: z.int().min(0).max(255),
  }),
  z.strictObject({
    type: z.literal("key"),
    key: z.union([z.string().min(1).max(32), z.int().min(1).max(0xffff_ffff)]),
    down: z.boolean(),
  }),
  z.strictObject({ type: z.literal("text"), text: z.string().min(1).max(4_096) }),
  /** Host to client, vnc: what was left out of a text, because a US keyboard has no key for it or because it was too long. */
  z.strictObject({ type: z.literal("untyped"), characters: z.string().min(1).max(200) }),
  /** Either side, before it closes: no more bytes follow in this direction (TCP's FIN). */
  z.strictObject({ type: z.literal("end") }),
  /** Host to client: why it is over. `code` is null for an orderly end. The socket closes after it. */
  z.strictObject({
    type: z.literal("closed"),
    code: z.string().max(64).nullable(),
    message: z.string().max(500).nullable(),
  }),
]);
export type StreamControl = z.infer<typeof StreamControl>;
