/**
 * The tables in D1. Times are ISO strings in UTC, so that they sort as text and read well in a shell.
 *
 * `vms` and `hosts` are projections of what the hosts' objects decided; an operation belongs to this database
 * until its host's object has taken it over, and its end is projected back.
 */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { HostFacts } from "../protocol/agent-link.ts";
import type { EventData, EventKind } from "../protocol/events.ts";
import type { OperationKind, OperationStatus } from "../protocol/operations.ts";
import type { Grant, PermissionChange, Role } from "../protocol/permissions.ts";
import type { AuditCredential, AuditResult, LogLevel, LogSource } from "../protocol/records.ts";
import type { HostStatus, Overcommit, Plan } from "../protocol/rest.ts";
import type { SettledVmStatus, VmStatus } from "../protocol/vm.ts";

export const users = sqliteTable("users", {
  id: text("id").primaryKey(),
  username: text("username").notNull().unique(),
  email: text("email"),
  /** `scrypt$N$r$p$salt$key`, the last two in base64. */
  passwordHash: text("password_hash").notNull(),
  role: text("role").$type<Role>().notNull(),
  plan: text("plan").$type<Plan>().notNull(),
  /** What widens (`+vm:read`) and narrows (`-vm:read`) the role. */
  permissions: text("permissions", { mode: "json" }).$type<PermissionChange[]>().notNull().default([]),
  /** In place of the plan's; null: as the plan says. vCPUs, MiB, GiB. */
  quotaVms: integer("quota_vms"),
  quotaCpu: integer("quota_cpu"),
  quotaMemory: integer("quota_memory"),
  quotaDisk: integer("quota_disk"),
  quotaSnapshots: integer("quota_snapshots"),
  disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
  lastLoginAt: text("last_login_at"),
  createdAt: text("created_at").notNull(),
  updatedAt: text("updated_at").notNull(),
});

/** A login and all that follows from it: its access tokens name it, its refresh tokens belong to it. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text("id").primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    createdAt: text("created_at").notNull(),
    refreshedAt: text("refreshed_at").notNull(),
    /** Moves on with each refresh. */
    expiresAt: text("expires_at").notNull(),
    endedAt: text("ended_at"),
    endReason: text("end_reason").$type<"logout" | "password" | "replay" | "admin">(),
  },
  (table) => [index("sessions_user").on(table.userId, table.endedAt), index("sessions_expiry").on(table.expiresAt)],
);

/** One is good once. The used ones stay, so that a second use is known for a theft. */
export const refreshTokens = sqliteTable(
  "refresh_tokens",
  {
    /** SHA-256 in hex. */
    hash: text("hash").primaryKey(),
    sessionId: text("session_id")
      .notNull()
      .references(() => sessions.id, { onDelete: "cascade" }),
    /** The hash of the one that was given for it; null: not used yet. */
    replacedBy: text("replaced_by"),
    usedAt: text("used_at"),
  },
  (table) => [index("refresh_tokens_session").on(table.sessionId), index("refresh_tokens_used").on(table.usedAt)],
);

/** Personal access tokens. */
export const tokens = sqliteTable(
  "tokens",
  {
    id: text("id").primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    /** SHA-256 in hex. */
    hash: text("hash").notNull().unique(),
    scopes: text("scopes", { mode: "json" }).$type<Grant[]>().notNull(),
    /** Null: never. */
    expiresAt: text("expires_at"),
    lastUsedAt: text("last_used_at"),
    createdAt: text("created_at").notNull(),
  },
  (table) => [uniqueIndex("tokens_user_name").on(table.userId, table.name)],
);

/** Who changed what. Only grows: triggers refuse UPDATE and DELETE. */
export const audit = sqliteTable(
  "audit",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    /** One entry a request, by whichever way it is written first. */
    key: text("key").notNull().unique(),
    timestamp: text("timestamp").notNull(),
    /** Null: nobody was authenticated. */
    userId: text("user_id"),
    username: text("username"),
    credential: text("credential").$type<AuditCredential>().notNull(),
    /** Of the session or the personal access token. */
    credentialId: text("credential_id"),
    address: text("address"),
    method: text("method").notNull(),
    /** As the route table has it: `/vms/:id`. */
    route: text("route").notNull(),
    /** Of the request, without the query. */
    path: text("path").notNull(),
    requestId: text("request_id").notNull(),
    result: text("result").$type<AuditResult>().notNull(),
    /** The error's; null where it succeeded. */
    code: text("code"),
  },
  (table) => [index("audit_user").on(table.userId, table.seq)],
);

/** What the system did. */
export const logs = sqliteTable(
  "logs",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    /** What it tells of, so that an object that repeats itself is not logged twice; null where nothing repeats. */
    cause: text("cause").unique(),
    timestamp: text("timestamp").notNull(),
    level: text("level").$type<LogLevel>().notNull(),
    message: text("message").notNull(),
    source: text("source").$type<LogSource>().notNull(),
    userId: text("user_id"),
    vmId: text("vm_id"),
    metadata: text("metadata", { mode: "json" }).$type<Record<string, string | number | null>>().notNull(),
  },
  (table) => [index("logs_timestamp").on(table.timestamp), index("logs_vm").on(table.vmId, table.seq)],
);

export const hosts = sqliteTable(
  "hosts",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull().unique(),
    status: text("status").$type<HostStatus>().notNull(),
    schedulable: integer("schedulable", { mode: "boolean" }).notNull().default(true),
    /** Its machines are only stopped and deleted, and no new one comes. */
    maintenance: integer("maintenance", { mode: "boolean" }).notNull().default(false),
    labels: text("labels", { mode: "json" }).$type<Record<string, string>>().notNull(),
    /** `x` of the host's Ed25519 public key. */
    publicKey: text("public_key"),
    /** Rises with each new key, so that a connection which an older key opened is known for one. */
    keySerial: integer("key_serial").notNull().default(0),
    /** SHA-256 of the enrolment token in hex: the token itself is shown once and kept nowhere. */
    enrolmentHash: text("enrolment_hash"),
    enrolmentExpiresAt: text("enrolment_expires_at"),
    enrolledAt: text("enrolled_at"),
    facts: text("facts", { mode: "json" }).$type<HostFacts>(),
    /** How many times over the host may be promised; a missing entry is the configuration's. */
    overcommit: text("overcommit", { mode: "json" }).$type<Overcommit>(),
    /** Room for machines, from the facts and the overcommit: vCPUs, MiB, GiB. */
    capacityCpu: integer("capacity_cpu").notNull().default(0),
    capacityMemory: integer("capacity_memory").notNull().default(0),
    capacityDisk: integer("capacity_disk").notNull().default(0),
    /** What its machines have, kept by triggers: a creation reads every host, and must not read every machine. */
    allocatedVms: integer("allocated_vms").notNull().default(0),
    allocatedCpu: integer("allocated_cpu").notNull().default(0),
    allocatedMemory: integer("allocated_memory").notNull().default(0),
    allocatedDisk: integer("allocated_disk").notNull().default(0),
    agentVersion: text("agent_version"),
    /** Its agent was installed from the edge, and updates itself. */
    updatable: integer("updatable", { mode: "boolean" }).notNull().default(false),
    /** The version that its agent was told to become; null once it is. */
    updateVersion: text("update_version"),
    updateOrderedAt: text("update_ordered_at"),
    /** Why the agent is not that version: it refused it, or tried it and took it back. */
    updateError: text("update_error"),
    /** Why it is quarantined; null otherwise. */
    statusReason: text("status_reason"),
    /** The epoch of the session that this row was last written from; an older session never overwrites it. */
    epoch: integer("epoch").notNull().default(0),
    lastSeenAt: text("last_seen_at"),
    createdAt: text("created_at").notNull(),
  },
  (table) => [uniqueIndex("hosts_enrolment_hash").on(table.enrolmentHash)],
);

/** Which images lie on which host already, as its agent said last and as creations there have shown since. */
export const hostImages = sqliteTable(
  "host_images",
  {
    imageId: text("image_id").notNull(),
    hostId: text("host_id")
      .notNull()
      .references(() => hosts.id, { onDelete: "cascade" }),
  },
  (table) => [primaryKey({ columns: [table.imageId, table.hostId] }), index("host_images_host").on(table.hostId)],
);
/** Whom a host's object must still shut out: written with the change that decides it, and gone once the object knows. */
export const revocations = sqliteTable("revocations", {
  hostId: text("host_id").primaryKey(),
  /** The oldest key that is still good; null: the host was deleted, and none is. */
  keySerial: integer("key_serial"),
  createdAt: text("created_at").notNull(),
});

export const vms = sqliteTable(
  "vms",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    description: text("description").notNull(),
    ownerId: text("owner_id")
      .notNull()
      .references(() => users.id),
    hostId: text("host_id")
      .notNull()
      .references(() => hosts.id),
    /** Rises when the id gets a new machine on a host; what an older one reports is dropped. */
    generation: integer("generation").notNull().default(1),
    /** What it shows: what its host saw last, or what the operation under way is doing to it. */
    status: text("status").$type<VmStatus>().notNull(),
    /** What its host saw last; `creating` until then. */
    observed: text("observed").$type<VmStatus>().notNull(),
    statusReason: text("status_reason"),
    cpu: integer("cpu").notNull(),
    memory: integer("memory").notNull(),
    disk: integer("disk").notNull(),
    os: text("os").notNull(),
    imageId: text("image_id").notNull(),
    network: text("network").notNull(),
    macAddress: text("mac_address").notNull().unique(),
    autostart: integer("autostart", { mode: "boolean" }).notNull(),
    protected: integer("protected", { mode: "boolean" }).notNull(),
    labels: text("labels", { mode: "json" }).$type<Record<string, string>>().notNull(),
    accelerator: text("accelerator").$type<"kvm" | "tcg">(),
    createdAt: text("created_at").notNull(),
    startedAt: text("started_at"),
    updatedAt: text("updated_at").notNull(),
  },
  (table) => [
    uniqueIndex("vms_owner_name").on(table.ownerId, table.name),
    index("vms_host").on(table.hostId),
    // For the first page of a long list, in the order that it has unless another is asked for.
    index("vms_owner_created").on(table.ownerId, table.createdAt),
    index("vms_created").on(table.createdAt),
  ],
);

/** How many machines an owner has, kept by triggers: a list tells its total without counting it. */
export const vmCounts = sqliteTable("vm_counts", {
  ownerId: text("owner_id").primaryKey(),
  count: integer("count").notNull(),
});

export const operations = sqliteTable(
  "operations",
  {
    /** The order in which the API accepted them, which is the order in which a host runs those of one machine. */
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull().unique(),
    kind: text("kind").$type<OperationKind>().notNull(),
    status: text("status").$type<OperationStatus>().notNull(),
    vmId: text("vm_id").notNull(),
    generation: integer("generation").notNull(),
    hostId: text("host_id").notNull(),
    userId: text("user_id").notNull(),
    requestId: text("request_id").notNull(),
    /** Null once the operation has ended: it may hold a first password. */
    input: text("input", { mode: "json" }).$type<unknown>(),
    /** The machine's status while it runs; null: unchanged. */
    via: text("via").$type<VmStatus>(),
    /** The machine's status once it has succeeded. What is accepted next is judged by it. */
    target: text("target").$type<SettledVmStatus>().notNull(),
    percent: integer("percent").notNull().default(0),
    step: text("step"),
    stepMessage: text("step_message"),
    result: text("result", { mode: "json" }).$type<Record<string, unknown>>(),
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
    createdAt: text("created_at").notNull(),
    startedAt: text("started_at"),
    finishedAt: text("finished_at"),
  },
  (table) => [
    index("operations_vm").on(table.vmId, table.seq),
    // For what is under way on a machine, whose whole history may be long.
    index("operations_vm_pending")
      .on(table.vmId, table.seq)
      .where(sql`status IN ('queued', 'running')`),
    index("operations_user").on(table.userId, table.seq),
    // The objects ask for what is still to be taken over; ended operations, nearly all, stay out of this index.
    index("operations_host_pending")
      .on(table.hostId, table.seq)
      .where(sql`status IN ('queued', 'running')`),
  ],
);

/**
 * What happened, in the order in which it became true. Triggers on the tables above and below write it, so a change
 * and its event are both there or neither is, whoever made the change.
 */
export const events = sqliteTable(
  "events",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    timestamp: text("timestamp").notNull(),
    event: text("event").$type<EventKind>().notNull(),
    level: text("level").$type<LogLevel>().notNull(),
    vmId: text("vm_id"),
    hostId: text("host_id"),
    operationId: text("operation_id"),
    /** Whose machine it is about; null: the system's, for administrators. */
    userId: text("user_id"),
    data: text("data", { mode: "json" }).$type<EventData>().notNull(),
  },
  (table) => [
    index("events_user").on(table.userId, table.seq),
    index("events_vm").on(table.vmId, table.seq),
    index("events_timestamp").on(table.timestamp),
  ],
);

/** Hubs with sockets that wait for events. */
export const watchers = sqliteTable("watchers", {
  /** The object's name. */
  hub: text("hub").primaryKey(),
  userId: text("user_id").notNull(),
  seesAll: integer("sees_all", { mode: "boolean" }).notNull(),
  /** The last event that the hub was told of. */
  told: integer("told").notNull(),
});

/** What `PUT /config` set; one row, and what is not in it is the default. */
export const settings = sqliteTable("settings", {
  one: integer("one").primaryKey(),
  value: text("value", { mode: "json" }).$type<unknown>().notNull(),
  updatedAt: text("updated_at").notNull(),
});

/** Images beside the catalogue's. */
export const images = sqliteTable("images", {
  id: text("id").primaryKey(),
  name: text("name").notNull().unique(),
  os: text("os").notNull(),
  url: text("url").notNull(),
  sha256: text("sha256").notNull(),
  format: text("format").$type<"qcow2" | "raw">().notNull(),
  /** GiB. */
  minDisk: integer("min_disk").notNull(),
  defaultUser: text("default_user").notNull(),
  createdBy: text("created_by").notNull(),
  createdAt: text("created_at").notNull(),
});

/** How the whole stood at a minute: what the series of `GET /system/stats` are read from. Kept for 30 days. */
export const samples = sqliteTable("samples", {
  /** Seconds since 1970, a whole minute. */
  at: integer("at").primaryKey(),
  vms: text("vms", { mode: "json" }).$type<Record<string, number>>().notNull(),
  hosts: integer("hosts").notNull(),
  hostsOnline: integer("hosts_online").notNull(),
  /** Given to machines, and the room of the hosts that were online: vCPUs, MiB, GiB. */
  allocatedCpu: integer("allocated_cpu").notNull(),
  allocatedMemory: integer("allocated_memory").notNull(),
  allocatedDisk: integer("allocated_disk").notNull(),
  capacityCpu: integer("capacity_cpu").notNull(),
  capacityMemory: integer("capacity_memory").notNull(),
  capacityDisk: integer("capacity_disk").notNull(),
});

export type SessionRow = typeof sessions.$inferSelect;
export type TokenRow = typeof tokens.$inferSelect;
export type AuditRow = typeof audit.$inferSelect;
export type LogRow = typeof logs.$inferSelect;
export type UserRow = typeof users.$inferSelect;
export type HostRow = typeof hosts.$inferSelect;
export type VmRow = typeof vms.$inferSelect;
export type OperationRow = typeof operations.$inferSelect;
export type ImageRow = typeof images.$inferSelect;
export type EventRow = typeof events.$inferSelect;
export type SampleRow = typeof samples.$inferSelect;
