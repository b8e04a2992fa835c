/**
 * The tables in D1. Times are ISO strings in UTC, so that they sort as text and read well in a shell.
 *
 * `vms` and `hosts` are projections of what the hosts' objects decided; an operation belongs to this database
 * until its host's object has taken it over, and its end is projected back.
 */
import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { HostFacts } from "../protocol/agent-link.ts";
import type { OperationKind, OperationStatus } from "../protocol/operations.ts";
import type { HostStatus, Plan, Role } from "../protocol/rest.ts";
import type { SettledVmStatus, VmStatus } from "../protocol/vm.ts";

export const users = sqliteTable("users", {
  id: text("id").primaryKey(),
  username: text("username").notNull().unique(),
  email: text("email"),
  /** `scrypt$N$r$p$salt$key`, the last two in base64. */
  passwordHash: text("password_hash").notNull(),
  role: text("role").$type<Role>().notNull(),
  plan: text("plan").$type<Plan>().notNull(),
  disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
  createdAt: text("created_at").notNull(),
  updatedAt: text("updated_at").notNull(),
});

export const hosts = sqliteTable(
  "hosts",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull().unique(),
    status: text("status").$type<HostStatus>().notNull(),
    schedulable: integer("schedulable", { mode: "boolean" }).notNull().default(true),
    labels: text("labels", { mode: "json" }).$type<Record<string, string>>().notNull(),
    /** `x` of the host's Ed25519 public key. */
    publicKey: text("public_key"),
    /** SHA-256 of the enrolment token in hex: the token itself is shown once and kept nowhere. */
    enrolmentHash: text("enrolment_hash"),
    enrolmentExpiresAt: text("enrolment_expires_at"),
    enrolledAt: text("enrolled_at"),
    facts: text("facts", { mode: "json" }).$type<HostFacts>(),
    /** Room for machines, from the facts and the overcommit: vCPUs, MiB, GiB. */
    capacityCpu: integer("capacity_cpu").notNull().default(0),
    capacityMemory: integer("capacity_memory").notNull().default(0),
    capacityDisk: integer("capacity_disk").notNull().default(0),
    agentVersion: text("agent_version"),
    /** The epoch of the session that this row was last written from; an older session never overwrites it. */
    epoch: integer("epoch").notNull().default(0),
    lastSeenAt: text("last_seen_at"),
    createdAt: text("created_at").notNull(),
  },
  (table) => [uniqueIndex("hosts_enrolment_hash").on(table.enrolmentHash)],
);

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
  (table) => [uniqueIndex("vms_owner_name").on(table.ownerId, table.name), index("vms_host").on(table.hostId)],
);

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

export type UserRow = typeof users.$inferSelect;
export type HostRow = typeof hosts.$inferSelect;
export type VmRow = typeof vms.$inferSelect;
export type OperationRow = typeof operations.$inferSelect;
