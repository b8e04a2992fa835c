/**
 * What the REST API answers and takes, apart from the machine's own request bodies in vm.ts.
 *
 * Every answer is an envelope: `{success: true, data, message, timestamp}` or
 * `{success: false, error: {code, message, details, fields?}, timestamp}`. Times are RFC 3339 in UTC.
 */
import { z } from "zod";
import { OperationKind, OperationStatus } from "./operations.ts";
import { VmName, VmStatus } from "./vm.ts";

export const FieldError = z.object({ path: z.string(), message: z.string() });
export type FieldError = z.infer<typeof FieldError>;

export const ErrorBody = z.object({
  success: z.literal(false),
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.string(),
    fields: z.array(FieldError).optional(),
  }),
  timestamp: z.iso.datetime(),
});

/** Query of every list. */
export const PageQuery = z.strictObject({
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export const Pagination = z.object({ page: z.int(), limit: z.int(), total: z.int(), pages: z.int() });
export type Pagination = z.infer<typeof Pagination>;

export const Role = z.enum(["admin", "user"]);
export type Role = z.infer<typeof Role>;

export const Plan = z.enum(["none", "free"]);
export type Plan = z.infer<typeof Plan>;

export const LoginRequest = z.strictObject({
  username: z.string().min(1).max(64),
  password: z.string().min(1).max(256),
});

export const User = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().nullable(),
  role: Role,
  plan: Plan,
  createdAt: z.iso.datetime(),
});
export type User = z.infer<typeof User>;

export const Operation = z.object({
  id: z.string(),
  kind: OperationKind,
  status: OperationStatus,
  progress: z.object({ percent: z.int(), step: z.string().nullable(), message: z.string().nullable() }),
  resource: z.object({ type: z.literal("vm"), id: z.string() }),
  hostId: z.string(),
  userId: z.string(),
  requestId: z.string(),
  result: z.record(z.string(), z.json()).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
});
export type Operation = z.infer<typeof Operation>;

export const HostStatus = z.enum(["pending", "online", "offline"]);
export type HostStatus = z.infer<typeof HostStatus>;

export const Vm = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  status: VmStatus,
  /** Why the status is `error`; null otherwise. */
  statusReason: z.string().nullable(),
  cpu: z.int(),
  memory: z.int(),
  disk: z.int(),
  os: z.string(),
  image: z.string(),
  hostId: z.string(),
  host: z.object({ id: z.string(), name: z.string(), status: HostStatus, asOf: z.iso.datetime().nullable() }),
  ownerId: z.string(),
  network: z.string(),
  autostart: z.boolean(),
  protected: z.boolean(),
  labels: z.record(z.string(), z.string()),
  ipAddresses: z.array(z.string()),
  /** `tcg` is emulation: right, but ten to thirty times slower. Null while the machine does not run. */
  accelerator: z.enum(["kvm", "tcg"]).nullable(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  updatedAt: z.iso.datetime(),
  /** The first operation that has not ended; null when nothing is under way. */
  operation: Operation.nullable(),
});
export type Vm = z.infer<typeof Vm>;

export const HostCreate = z.strictObject({
  name: VmName,
  labels: z.record(z.string().max(63), z.string().max(255)).optional(),
});

export const Host = z.object({
  id: z.string(),
  name: z.string(),
  status: HostStatus,
  schedulable: z.boolean(),
  labels: z.record(z.string(), z.string()),
  /** Null until the host has connected for the first time. */
  facts: z.record(z.string(), z.json()).nullable(),
  agentVersion: z.string().nullable(),
  allocated: z.object({ vms: z.int(), cpu: z.int(), memory: z.int(), disk: z.int() }),
  lastSeenAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
});
export type Host = z.infer<typeof Host>;

export const Image = z.object({
  id: z.string(),
  os: z.string(),
  name: z.string(),
  format: z.enum(["qcow2", "raw"]),
  minDisk: z.int(),
  defaultUser: z.string(),
  url: z.string().nullable(),
});
export type Image = z.infer<typeof Image>;
