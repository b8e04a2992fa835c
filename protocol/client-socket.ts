/**
 * What clients and the edge say to each other on `/ws`: one JSON text message each, `{type, data, id}` up and
 * `{type, data, id, timestamp}` down. An answer repeats the `id` of its request.
 */
import * as z from "zod";
import { EventSequence, SystemEvent } from "./events.ts";
import { Operation } from "./rest.ts";
import { HostSample, VmSample } from "./samples.ts";
import { VmStatus } from "./vm.ts";

/** Times in ms, sizes in bytes. */
export const socketLimits = {
  /** Not authenticated by then: closed. */
  authMs: 10_000,
  maxMessageBytes: 1_048_576,
  maxSubscriptions: 100,
  subscribesPerMinute: 600,
  /** Requests of one connection that have not been answered yet. */
  maxPending: 200,
  maxStreams: 8,
  /**
   * Nobody tells how much of what was sent is still on its way. So a client is asked for a sign after `askBytes`, and
   * is sent nothing more of its subscriptions after `mostBytes` before it has given it.
   */
  window: { askBytes: 1_048_576, mostBytes: 4_194_304, answerMs: 30_000 },
  ticketSeconds: 30,
  /** The rights are ended: the sockets are, within this. */
  revokedWithinMs: 5_000,
  intervalMs: { least: 1_000, most: 60_000, usual: 5_000 },
} as const;

export const socketCloseCodes = {
  tooLarge: 1009,
  restarting: 1012,
  malformed: 4400,
  unauthenticated: 4401,
  notFound: 4404,
  tooSlow: 4408,
  replaced: 4409,
  tooMany: 4429,
} as const;

const VmName = z.string().min(1).max(64);
const interval = z
  .int()
  .min(socketLimits.intervalMs.least)
  .max(socketLimits.intervalMs.most)
  .default(socketLimits.intervalMs.usual);

/** What can be watched. `vmId` is an id or the owner's name for it, as in the REST API. */
export const Topic = z.discriminatedUnion("topic", [
  z.strictObject({ topic: z.literal("vm-status"), vmId: VmName }),
  z.strictObject({ topic: z.literal("vm-status-all") }),
  z.strictObject({ topic: z.literal("vm-metrics"), vmId: VmName, interval }),
  /** Administrators. Without `hostId`: the sum of all hosts. */
  z.strictObject({ topic: z.literal("system-monitor"), interval, hostId: z.string().max(64).optional() }),
  z.strictObject({ topic: z.literal("operations") }),
  z.strictObject({ topic: z.literal("events"), after: EventSequence.optional() }),
]);
export type Topic = z.infer<typeof Topic>;

export const SocketAction = z.enum(["start", "stop", "restart", "pause", "resume", "reset"]);
export type SocketAction = z.infer<typeof SocketAction>;

const Base64 = z.base64().max(349_528);
const Coordinate = z.int().min(0).max(65_535);
const Columns = z.int().min(1).max(1_000);

/** For a login on the guest. Handed to the host for this one connection; stored and logged nowhere. */
export const SshCredentials = z
  .strictObject({
    username: z.string().min(1).max(64),
    password: z.string().max(1_024).optional(),
    /** OpenSSH or PEM. */
    privateKey: z.string().max(16_384).optional(),
    passphrase: z.string().max(1_024).optional(),
    /** The guest's host key as it must be, whatever was remembered: `SHA256:` and the fingerprint in base64. */
    hostKey: z
      .string()
      .regex(/^SHA256:[A-Za-z0-9+/]{43}$/)
      .optional(),
  })
  .refine(({ password, privateKey }) => password !== undefined || privateKey !== undefined, {
    path: ["password"],
    message: "a password or a private key is needed",
  });
export type SshCredentials = z.infer<typeof SshCredentials>;

const Input = z.discriminatedUnion("inputType", [
  /** `buttons` is a bit mask: 1 left, 2 middle, 4 right, 8 and 16 the wheel. */
  z.strictObject({
    vmId: VmName,
    inputType: z.literal("mouse"),
    x: Coordinate,
    y: Coordinate,
    buttons: z.int().min(0).max(255),
  }),
  /** `key` is a name as in `KeyboardEvent.key` ("a", "Enter"), or an X keysym. */
  z.strictObject({
    vmId: VmName,
    inputType: z.literal("keyboard"),
    key: z.union([z.string().min(1).max(32), z.int().min(1).max(0xffff_ffff)]),
    down: z.boolean(),
  }),
  /** Typed key by key, as on a US keyboard. */
  z.strictObject({ vmId: VmName, inputType: z.literal("text"), text: z.string().min(1).max(4_096) }),
]);

const message = <T extends string, D extends z.ZodType>(type: T, data: D) =>
  z.strictObject({ type: z.literal(type), data, id: z.string().max(128).optional() });
const Nothing = z.strictObject({}).optional();

export const ClientMessage = z.discriminatedUnion("type", [
  message("auth", z.strictObject({ token: z.string().min(1).max(4_096) })),
  message("subscribe", Topic),
  message("unsubscribe", Topic),
  message("vm-control", z.strictObject({ vmId: VmName, action: SocketAction })),
  message("vnc-connect", z.strictObject({ vmId: VmName, viewOnly: z.boolean().optional() })),
  message("vnc-data", z.strictObject({ vmId: VmName, data: Base64 })),
  message("vnc-input", Input),
  message("vnc-close", z.strictObject({ vmId: VmName })),
  message(
    "terminal-connect",
    z.strictObject({
      vmId: VmName,
      type: z.enum(["ssh", "serial"]),
      credentials: SshCredentials.optional(),
      cols: Columns.optional(),
      rows: Columns.optional(),
      /** Serial only: takes the right to write from whoever has it. */
      takeOver: z.boolean().optional(),
    }),
  ),
  message("terminal-input", z.strictObject({ vmId: VmName, input: z.string().max(65_536) })),
  message("terminal-resize", z.strictObject({ vmId: VmName, cols: Columns, rows: Columns })),
  message("terminal-close", z.strictObject({ vmId: VmName })),
  message("ping", Nothing),
  /** Answers the edge's `ping`, with its `id`. */
  message("pong", Nothing),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

/** The last one of a machine says `deleted`. `cpu` is in percent of its vCPUs and `memory` in percent of its memory; null where there is no sample yet. */
export const VmStatusMessage = z.object({
  vmId: z.string(),
  name: z.string(),
  status: z.enum([...VmStatus.options, "deleted"]),
  cpu: z.number().nullable(),
  memory: z.number().nullable(),
  network: z.object({ rx: z.number(), tx: z.number() }).nullable(),
});
export type VmStatusMessage = z.infer<typeof VmStatusMessage>;

const down = <T extends string, D extends z.ZodType>(type: T, data: D) =>
  z.object({ type: z.literal(type), data, id: z.string().optional(), timestamp: z.iso.datetime() });
const Gap = z.object({ vmId: z.string(), bytes: z.int() });

export const ServerMessage = z.discriminatedUnion("type", [
  down("auth", z.object({ status: z.literal("success"), userId: z.string(), username: z.string() })),
  /** `seq`, of `events`: what comes follows this sequence, so it is what `after` may say at the next connection. */
  down("subscribe", z.object({ status: z.literal("success"), topic: z.string(), seq: EventSequence.optional() })),
  down("unsubscribe", z.object({ status: z.literal("success"), topic: z.string() })),
  down("vm-status", VmStatusMessage),
  down("vm-metrics", VmSample),
  down("system-monitor", HostSample),
  down("operation", Operation),
  down("system-event", SystemEvent),
  down(
    "vm-control-response",
    z.object({
      vmId: z.string(),
      action: SocketAction,
      status: z.enum(["success", "error"]),
      operationId: z.string().nullable(),
      error: z.object({ code: z.string(), message: z.string() }).nullable(),
    }),
  ),
  down("vnc-connected", z.object({ vmId: z.string(), viewOnly: z.boolean() })),
  down("vnc-data", z.object({ vmId: z.string(), data: z.base64() })),
  down("vnc-closed", z.object({ vmId: z.string(), code: z.string().nullable(), message: z.string().nullable() })),
  down("terminal-connected", z.object({ vmId: z.string(), type: z.enum(["ssh", "serial"]), writable: z.boolean() })),
  /** UTF-8 text; a character that is cut in two waits for its rest. */
  down("terminal-output", z.object({ vmId: z.string(), output: z.string() })),
  /** The reader was too slow: so much was left out. */
  down("terminal-gap", Gap),
  /** The right to write was taken over, or has fallen to this connection. */
  down("terminal-writer", z.object({ vmId: z.string(), writable: z.boolean() })),
  down("terminal-closed", z.object({ vmId: z.string(), code: z.string().nullable(), message: z.string().nullable() })),
  down("pong", z.object({})),
  /** Has an `id`, and asks for a `pong` that repeats it: so much was sent that it must be known to be read. */
  down("ping", z.object({})),
  down(
    "error",
    z.object({ code: z.string(), message: z.string(), vmId: z.string().optional(), details: z.string().optional() }),
  ),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;
