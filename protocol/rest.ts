/**
 * What the REST API answers and takes, apart from the machine's own request bodies in vm.ts.
 *
 * Every answer is an envelope: `{success: true, data, message, timestamp}` or
 * `{success: false, error: {code, message, details, fields?}, timestamp}`. Times are RFC 3339 in UTC.
 */
import * as z from "zod";
import { OperationKind, OperationStatus } from "./operations.ts";
import { PermissionChange, Role } from "./permissions.ts";
import { VmName, VmStatus, VmStop } from "./vm.ts";

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

export const Plan = z.enum(["none", "free"]);
export type Plan = z.infer<typeof Plan>;

/** Null, or missing: what the plan gives, which for all but the machines of the free plan is no bound. */
export const Quotas = z.strictObject({
  vms: z.int().min(0).max(100_000).nullable().optional(),
  cpu: z.int().min(0).max(1_000_000).nullable().optional(),
  /** MiB. */
  memory: z.int().min(0).max(1_000_000_000).nullable().optional(),
  /** GiB. */
  disk: z.int().min(0).max(100_000_000).nullable().optional(),
  snapshots: z.int().min(0).max(1_000_000).nullable().optional(),
});
export type Quotas = z.infer<typeof Quotas>;

export const LoginRequest = z.strictObject({
  username: z.string().min(1).max(64),
  password: z.string().min(1).max(256),
});

export const UserStatus = z.enum(["active", "disabled"]);
export type UserStatus = z.infer<typeof UserStatus>;

export const User = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().nullable(),
  role: Role,
  permissions: z.array(PermissionChange),
  plan: Plan,
  quotas: Quotas.required(),
  status: UserStatus,
  lastLoginAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type User = z.infer<typeof User>;

/** `quarantined`: two agents use its key. Nothing is sent to it until an administrator has decided. */
export const HostStatus = z.enum(["pending", "online", "offline", "quarantined"]);
export type HostStatus = z.infer<typeof HostStatus>;

/** Why an operation has not begun. It expires at `expiresAt` if the host has not taken it by then. */
export const WaitingFor = z.object({
  reason: z.enum(["HOST_PENDING", "HOST_OFFLINE", "HOST_QUARANTINED", "QUEUED_BEHIND", "DELIVERY"]),
  /** The reason in the reader's language. */
  message: z.string(),
  hostId: z.string(),
  /** The operation of the same machine that comes before it; null where it waits for something else. */
  operationId: z.string().nullable(),
  expiresAt: z.iso.datetime(),
});
export type WaitingFor = z.infer<typeof WaitingFor>;

export const Operation = z.object({
  id: z.string(),
  kind: OperationKind,
  status: OperationStatus,
  /** Null once it has begun. */
  waitingFor: WaitingFor.nullable(),
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

/** The answer to a change. `requiresRestart`: the machine runs, and takes the new vCPUs and memory with its next start. */
export const UpdatedVm = Vm.extend({ requiresRestart: z.boolean() });
export type UpdatedVm = z.infer<typeof UpdatedVm>;

/** How many times over a host's vCPUs, memory and disk may be promised. */
export const Overcommit = z.strictObject({
  cpu: z.number().min(0.1).max(100).optional(),
  memory: z.number().min(0.1).max(10).optional(),
  disk: z.number().min(0.1).max(100).optional(),
});
export type Overcommit = z.infer<typeof Overcommit>;

export const HostCreate = z.strictObject({
  name: VmName,
  labels: z.record(z.string().max(63), z.string().max(255)).optional(),
});

/** Body of `PATCH /hosts/{id}`: what it doesn't name stays as it is. */
export const HostUpdate = z.strictObject({
  name: VmName.optional(),
  labels: z.record(z.string().max(63), z.string().max(255)).optional(),
  /** False: no new machine comes here; those that are here stay. */
  schedulable: z.boolean().optional(),
  /** True: no new machine comes here, and those that are here are only stopped and deleted. */
  maintenance: z.boolean().optional(),
  /** What it doesn't name stays; null: as the configuration has it. */
  overcommit: z
    .strictObject({
      cpu: Overcommit.shape.cpu.nullable(),
      memory: Overcommit.shape.memory.nullable(),
      disk: Overcommit.shape.disk.nullable(),
    })
    .partial()
    .optional(),
});
export type HostUpdate = z.infer<typeof HostUpdate>;

export const HostListQuery = PageQuery.extend({
  status: HostStatus.optional(),
  search: z.string().max(100).optional(),
  schedulable: z.enum(["true", "false"]).optional(),
});
export type HostListQuery = z.infer<typeof HostListQuery>;

/** What keeps new machines away from a host, room apart. `draining`: it is not `schedulable`. */
export const HostBlocker = z.enum([
  ...HostStatus.exclude(["online"]).options,
  "maintenance",
  "draining",
  "no-accelerator",
]);
export type HostBlocker = z.infer<typeof HostBlocker>;

export const Host = z.object({
  id: z.string(),
  name: z.string(),
  status: HostStatus,
  /** Why it is quarantined; null otherwise. */
  statusReason: z.string().nullable(),
  schedulable: z.boolean(),
  maintenance: z.boolean(),
  /** Empty: new machines may come, as far as there is room. */
  blockedBy: z.array(HostBlocker),
  labels: z.record(z.string(), z.string()),
  /** Null until the host has connected for the first time. */
  facts: z.record(z.string(), z.json()).nullable(),
  agentVersion: z.string().nullable(),
  /** The agent was installed by `install.sh`, and becomes another version when it is told to. */
  updatable: z.boolean(),
  /** Null: it is what it was told to be. `error`: why it is not, which a new order tries again. */
  agentUpdate: z
    .object({ version: z.string(), orderedAt: z.iso.datetime().nullable(), error: z.string().nullable() })
    .nullable(),
  overcommit: Overcommit.required(),
  /** What may be given to machines: vCPUs, MiB, GiB. */
  capacity: z.object({ cpu: z.int(), memory: z.int(), disk: z.int() }),
  allocated: z.object({ vms: z.int(), cpu: z.int(), memory: z.int(), disk: z.int() }),
  /** Ids of the images that lie on it, so that a machine made from one needs no download. */
  images: z.array(z.string()),
  lastSeenAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
});
export type Host = z.infer<typeof Host>;

/** Body of `POST /hosts/{id}/drain`. */
export const HostDrain = z.strictObject({
  /** Its machines are stopped too, by an operation each. */
  shutdown: z.boolean().optional(),
  /** Seconds that each guest has to power off before its power is cut. */
  timeout: VmStop.shape.timeout,
});
export type HostDrain = z.infer<typeof HostDrain>;

/** The answer to `POST /hosts/{id}/drain`: what still has to leave. */
export const DrainedHost = z.object({
  host: Host,
  /** The operations that this request began. */
  stopping: z.array(z.object({ vmId: z.string(), operationId: z.string() })),
  remaining: z.object({
    vms: z.int(),
    byStatus: z.record(z.string(), z.int()),
    /** That have not ended. */
    operations: z.int(),
  }),
});
export type DrainedHost = z.infer<typeof DrainedHost>;

export const Image = z.object({
  id: z.string(),
  os: z.string(),
  name: z.string(),
  format: z.enum(["qcow2", "raw"]),
  /** GiB. */
  minDisk: z.int(),
  defaultUser: z.string(),
  url: z.string().nullable(),
  /** Null: the publisher's list of checksums decides. */
  sha256: z.string().nullable(),
  /** `catalogue`: every installation knows it. `custom`: an administrator added it. */
  source: z.enum(["catalogue", "custom"]),
});
export type Image = z.infer<typeof Image>;

/** Body of `POST /images`. */
export const ImageCreate = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^\p{C}]*$/u, "no control or formatting characters"),
  /** Where hosts fetch it: http or https, at a public address. */
  url: z.string().min(1).max(2000),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits in lower case"),
  format: z.enum(["qcow2", "raw"]),
  /** What `os` in `POST /vms` says to get it. */
  os: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "1 to 63 lower case letters, digits, '.', '_' or '-'"),
  /** The smallest disk that holds it, in GiB. */
  minDisk: z.int().min(1).max(16_384).optional(),
  /** The account that cloud-init makes when a request names none. */
  defaultUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a Linux user name")
    .optional(),
});
export type ImageCreate = z.infer<typeof ImageCreate>;

export const ImageListQuery = PageQuery.extend({
  os: z.string().max(64).optional(),
  source: z.enum(["catalogue", "custom"]).optional(),
  search: z.string().max(100).optional(),
});
export type ImageListQuery = z.infer<typeof ImageListQuery>;
