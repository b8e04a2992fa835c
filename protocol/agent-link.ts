/**
 * What the edge and a host's agent say to each other: one JSON text frame a message, on one WebSocket.
 *
 * Every frame but `hello` bears the session's epoch. The edge stores a higher epoch before it welcomes a
 * connection, so a frame with a lower one comes from a session that has been replaced and is dropped.
 * Promises and order of messages: docs/agent-link.md.
 */
import * as z from "zod";
import { ImageReference, OperationKind, VmReport, VmSpec } from "./operations.ts";
import { HostSample, VmSample, WatchOrder } from "./samples.ts";
import { StreamOrder } from "./streams.ts";
import { VmId } from "./vm.ts";

/**
 * 1 is what the first agents speak. From 2 on an agent's `hello` names the features that it knows, and the edge's
 * `welcome` its version. Whatever the version, a frame that belongs to a feature goes only to an agent that named it.
 */
export const linkProtocol = { lowest: 1, highest: 2 } as const;

/** What an agent may know beyond version 1: each allows frames of its own. */
export const linkFeatures = ["describe", "samples", "streams", "update"] as const;
export type LinkFeature = (typeof linkFeatures)[number];

/** Figures of the link, in one place. Times in ms, sizes in bytes. */
export const linkLimits = {
  maxFrameBytes: 262_144,
  /** Operations sent but not yet done, for one host. */
  maxInFlight: 64,
  maxWaitingPerVm: 32,
  maxWaitingPerHost: 256,
  reportPageSize: 500,
  /** What a host reports beyond is dropped. */
  maxVmsPerHost: 10_000,
  describePageSize: 100,
  pingIntervalMs: 20_000,
  pingJitter: 0.1,
  /** The agent hears nothing for this long: it dials again. */
  agentDeadMs: 45_000,
  /** The edge hears nothing for this long: it shows the host as offline. */
  edgeDeadMs: 90_000,
  /** How often the edge looks at each host that it shows as online. */
  lookEveryMs: 60_000,
  /** After the edge itself restarted: so long may a host take to come back before it is shown as offline. */
  returnMs: 60_000,
  redialFirstMs: 1_000,
  redialMaxMs: 60_000,
  redialResetMs: 60_000,
  /** The edge doesn't know this host any more: only a person can mend that. */
  redialRefusedMs: 300_000,
  /** So many replacements of a living session within `cloneWindowMs` are two agents with one key. */
  cloneReplacements: 3,
  cloneWindowMs: 60_000,
  /** An operation that its host has not taken by then has expired. */
  deliveryDeadlineMs: 900_000,
  /** Life of the agent's own signed token. */
  agentTokenSeconds: 60,
} as const;

/** Answered by the runtime without waking the host's object, so it is text and not a frame. */
export const pingText = "ping";
export const pongText = "pong";

export const closeCodes = {
  malformed: 4400,
  revoked: 4403,
  replaced: 4409,
  quarantined: 4423,
  protocol: 4426,
  restarting: 1012,
} as const;

/** Words from a host are shown to people: control characters, which a terminal would obey, become spaces. */
const words = (max: number) =>
  z
    .string()
    .max(max)
    .transform((text) => text.replaceAll(/\p{Cc}+/gu, " "));

export const HostFacts = z.strictObject({
  hostname: words(255),
  os: words(255),
  kernel: words(255),
  arch: words(32),
  cpus: z.int().min(1),
  memoryMib: z.int().min(1),
  /** Of the file system that holds the machines, in GiB. */
  diskGib: z.int().min(0),
  diskFreeGib: z.int().min(0),
  qemuVersion: z.string().max(64).nullable(),
  /** Null: no machine can run here, and `acceleratorReason` says why. */
  accelerator: z.enum(["kvm", "tcg"]).nullable(),
  acceleratorReason: words(500),
  /** Ids of the images that it has; older agents don't say. */
  images: z.array(ImageReference.shape.id).max(1000).optional(),
});
export type HostFacts = z.infer<typeof HostFacts>;

const Epoch = { epoch: z.int().min(0) };
const OpId = z.string().regex(/^op-[0-9a-hjkmnp-tv-z]{26}$/);

export const Outcome = z.strictObject({
  status: z.enum(["succeeded", "failed", "cancelled", "unknown"]),
  code: words(64).nullable(),
  /** English, for people. Never holds a secret. */
  message: words(2000).nullable(),
  result: z.record(z.string(), z.json()).nullable(),
});
export type Outcome = z.infer<typeof Outcome>;

const Done = z.strictObject({
  type: z.literal("done"),
  ...Epoch,
  operationId: OpId,
  kind: OperationKind,
  vmId: VmId,
  outcome: Outcome,
  /** The machine after the operation; null when the host has no such machine. */
  vm: VmReport.nullable(),
});

/** An operation that the journal still holds, because the edge has not acknowledged its end. */
export const JournalEntry = z.strictObject({
  operationId: OpId,
  vmId: VmId,
  state: z.enum(["accepted", "running", "done"]),
});
export type JournalEntry = z.infer<typeof JournalEntry>;

export const AgentFrame = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    protocol: z.strictObject({ lowest: z.int(), highest: z.int() }),
    agentVersion: z.string().max(64),
    /** Of `linkFeatures`; those that the edge doesn't know mean nothing. */
    features: z.array(z.string().max(64)).max(64),
    /** Changes with every start of the machine that the agent runs on. */
    bootId: z.string().max(64),
    /** Changes when the journal is made anew: what an older one knew is lost. */
    journalId: z.string().max(64),
    greatestEpoch: z.int().min(0),
    facts: HostFacts,
  }),
  z.strictObject({
    type: z.literal("report"),
    ...Epoch,
    vms: z.array(VmReport).max(linkLimits.reportPageSize),
    operations: z.array(JournalEntry).max(linkLimits.reportPageSize),
    /** False while more pages follow. */
    last: z.boolean(),
  }),
  z.strictObject({ type: z.literal("accept"), ...Epoch, operationId: OpId }),
  z.strictObject({
    type: z.literal("reject"),
    ...Epoch,
    operationId: OpId,
    code: words(64),
    message: words(2000),
  }),
  z.strictObject({
    type: z.literal("progress"),
    ...Epoch,
    operationId: OpId,
    percent: z.int().min(0).max(100),
    step: words(64),
    message: words(500),
  }),
  Done,
  z.strictObject({
    type: z.literal("cancelled"),
    ...Epoch,
    operationId: OpId,
    effect: z.enum(["not-started", "undone", "too-late"]),
  }),
  z.strictObject({
    type: z.literal("event"),
    ...Epoch,
    /** Rises by one within a journal; the edge drops what it has seen. */
    sequence: z.int().min(1),
    event: z.enum(["vm.powered-off", "vm.crashed", "vm.no-space", "vm.recovered"]),
    vm: VmReport,
    message: words(500),
  }),
  z.strictObject({
    type: z.literal("described"),
    ...Epoch,
    /** Those of the machines asked for that this host has. */
    vms: z.array(z.strictObject({ vm: VmReport, spec: VmSpec })).max(linkLimits.describePageSize),
  }),
  /** Feature `samples`: of what is watched; may be lost. */
  z.strictObject({
    type: z.literal("stats"),
    ...Epoch,
    vms: z.array(VmSample).max(500),
    host: HostSample.nullable(),
  }),
  /** Feature `update`: the version was refused, or it was tried and taken back. */
  z.strictObject({ type: z.literal("update-failed"), ...Epoch, version: z.string().max(64), reason: words(1000) }),
]);
export type AgentFrame = z.infer<typeof AgentFrame>;

const Execute = z.strictObject({
  type: z.literal("execute"),
  ...Epoch,
  operationId: OpId,
  kind: OperationKind,
  vmId: VmId,
  generation: z.int().min(1),
  /** Checked against the schema of its kind by the agent, so that one bad order is rejected alone. */
  input: z.unknown(),
  /** Time left to begin, in ms of the agent's own monotonic clock. */
  deadlineMs: z.int().min(0),
  attempt: z.int().min(1),
});
export type ExecuteFrame = z.infer<typeof Execute>;

export const EdgeFrame = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("welcome"),
    ...Epoch,
    protocol: z.int(),
    hostId: z.string(),
    pingIntervalMs: z.int(),
    deadMs: z.int(),
    /** From version 2 on: what the edge itself is, and so which agent it gives. */
    edgeVersion: z.string().max(64).optional(),
  }),
  z.strictObject({
    type: z.literal("sync"),
    ...Epoch,
    /** Journal entries that the edge still wants to hear the end of; the others may be forgotten. */
    wanted: z.array(OpId).max(linkLimits.reportPageSize),
  }),
  Execute,
  z.strictObject({ type: z.literal("done-ack"), ...Epoch, operationId: OpId }),
  z.strictObject({ type: z.literal("event-ack"), ...Epoch, sequence: z.int() }),
  z.strictObject({ type: z.literal("cancel"), ...Epoch, operationId: OpId }),
  /** Feature `describe`: of machines that the edge has never heard of, what are they? */
  z.strictObject({
    type: z.literal("describe"),
    ...Epoch,
    vmIds: z.array(VmId).max(linkLimits.describePageSize),
  }),
  /** Feature `streams`. Not stored, and not repeated: who asked is told of a failure. */
  z.strictObject({ type: z.literal("open-stream"), ...Epoch, order: StreamOrder }),
  /** Feature `samples`. Replaces the order before; sent again in every session, since the host forgets it with the link. */
  z.strictObject({ type: z.literal("watch"), ...Epoch, order: WatchOrder }),
  /** Feature `update`: become this version, which the edge's release has. The next `hello` tells what came of it. */
  z.strictObject({ type: z.literal("update"), ...Epoch, version: z.string().max(64) }),
]);
export type EdgeFrame = z.infer<typeof EdgeFrame>;

/** Body of `POST /api/v1/agent/enrol`. */
export const EnrolRequest = z.strictObject({
  token: z.string().min(20).max(200),
  /** Ed25519 public key as a JWK. */
  publicKey: z.strictObject({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  }),
  /** EdDSA JWT over the token's SHA-256 (claim `tokenHash`), made with the private half: proof that the asker holds it. */
  proof: z.string().max(2000),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolResult = z.object({ hostId: z.string(), name: z.string() });
export type EnrolResult = z.infer<typeof EnrolResult>;
