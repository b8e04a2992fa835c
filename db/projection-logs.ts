/** What the projections tell the system's log, in the batch of what they tell of, and once however often it is repeated. */
import { and, eq, lte, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { OperationKind } from "../protocol/operations.ts";
import type { LogLevel, LogSource } from "../protocol/records.ts";
import { given } from "./given.ts";
import { hosts, logs, operations, vms } from "./schema.ts";

const hostMessages = {
  "host-online": { level: "info", message: "Host came online" },
  "host-offline": { level: "warn", message: "Host went offline" },
  "host-quarantined": { level: "error", message: "Host quarantined, since two agents connect with its key" },
} as const;

/** Before the host's row changes: a session that another has followed says nothing any more. */
export function hostLog(
  db: DrizzleD1Database,
  hostId: string,
  { type, at, epoch }: { readonly type: keyof typeof hostMessages; readonly at: string; readonly epoch: number },
) {
  const { level, message } = hostMessages[type];
  const entry = {
    cause: `${type}:${hostId}:${epoch}`,
    timestamp: at,
    level,
    message: sql`${message} || ': ' || ${hosts.name}`,
    source: "host" as const,
    metadata: { hostId },
  };
  const row = db
    .select(logRow({ ...entry, userId: sql`NULL`, vmId: sql`NULL` }))
    .from(hosts)
    .where(and(eq(hosts.id, hostId), lte(hosts.epoch, epoch), isNews(entry.cause)));
  return db.insert(logs).select(row);
}

/** An agent that did not become what it was told to: somebody has to look. */
export function updateLog(
  db: DrizzleD1Database,
  hostId: string,
  { at, version, reason }: { readonly at: string; readonly version: string; readonly reason: string },
) {
  const entry = {
    cause: `update-failed:${hostId}:${at}`,
    timestamp: at,
    level: "error" as const,
    message: sql`${`The agent did not become ${version} on `} || ${hosts.name} || ${`: ${reason}`}`,
    source: "host" as const,
    metadata: { hostId, version },
  };
  const row = db
    .select(logRow({ ...entry, userId: sql`NULL`, vmId: sql`NULL` }))
    .from(hosts)
    .where(and(eq(hosts.id, hostId), isNews(entry.cause)));
  return db.insert(logs).select(row);
}

export function operationLog(
  db: DrizzleD1Database,
  hostId: string,
  change: {
    readonly at: string;
    readonly operationId: string;
    readonly kind: OperationKind;
    readonly outcome: { readonly status: string; readonly code: string | null };
  },
) {
  const { operationId, kind, outcome, at } = change;
  const isBad = outcome.status === "failed" || outcome.status === "unknown";
  const entry = {
    cause: `ended:${operationId}`,
    timestamp: at,
    level: isBad ? ("error" as const) : ("info" as const),
    message: sql`${[`${kind} ${outcome.status}`, outcome.code].filter(Boolean).join(": ")}`,
    source: "operation" as const,
    metadata: { operationId, hostId, code: outcome.code },
  };
  const row = db
    .select(logRow({ ...entry, userId: sql`${operations.userId}`, vmId: sql`${operations.vmId}` }))
    .from(operations)
    .where(and(eq(operations.id, operationId), isNews(entry.cause)));
  return db.insert(logs).select(row);
}

const faults = {
  crashed: { level: "error", message: "QEMU ended by itself" },
  "no-space": { level: "error", message: "The disk of the host is full; the machine is paused" },
  missing: { level: "error", message: "The host no longer has this machine" },
} as const;

/** Of the machines in `where`, before their rows change: afterwards they would not be in it any more. */
export function vmLog(
  db: DrizzleD1Database,
  { fault, hostId, at }: { readonly fault: keyof typeof faults; readonly hostId: string; readonly at: string },
  where: SQL,
) {
  const { level, message } = faults[fault];
  const row = db
    .select(
      logRow({
        ...{ cause: null, timestamp: at, level, source: "vm" as const, metadata: { hostId, fault } },
        message: sql`${message}`,
        userId: sql`${vms.ownerId}`,
        vmId: sql`${vms.id}`,
      }),
    )
    .from(vms)
    .where(where);
  return db.insert(logs).select(row);
}

/** Behind the machine's row: says nothing where it was not taken in. */
export function adoptionLog(db: DrizzleD1Database, hostId: string, vmId: string, at: string) {
  const cause = `adopted:${vmId}:${at}`;
  const row = db
    .select(
      logRow({
        ...{ cause, timestamp: at, level: "warn", source: "vm" as const, metadata: { hostId } },
        message: sql`'Machine found on its host without a record here, and given to an administrator'`,
        userId: sql`${vms.ownerId}`,
        vmId: sql`${vms.id}`,
      }),
    )
    .from(vms)
    .where(sql`${vms.id} = ${vmId} AND ${vms.createdAt} = ${at} AND ${isNews(cause)}`);
  return db.insert(logs).select(row);
}

/** Every column, in the table's order. */
function logRow(entry: {
  readonly cause: string | null;
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly message: SQL;
  readonly source: LogSource;
  readonly userId: SQL;
  readonly vmId: SQL;
  readonly metadata: Readonly<Record<string, string | null>>;
}) {
  return {
    seq: given<number>(null, "seq"),
    cause: given<string | null>(entry.cause, "cause"),
    timestamp: given<string>(entry.timestamp, "timestamp"),
    level: given<LogLevel>(entry.level, "level"),
    message: sql<string>`${entry.message}`.as("message"),
    source: given<LogSource>(entry.source, "source"),
    userId: sql<string | null>`${entry.userId}`.as("user_id"),
    vmId: sql<string | null>`${entry.vmId}`.as("vm_id"),
    metadata: given<Record<string, string | null>>(JSON.stringify(entry.metadata), "metadata"),
  };
}

function isNews(cause: string): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM logs l WHERE l.cause = ${cause})`;
}
