/** From the database's rows to what the API answers. */
import type { HostView } from "../db/hosts.ts";
import type { OperationView } from "../db/operation-view.ts";
import type { AuditRow, EventRow, LogRow, OperationRow, TokenRow, UserRow } from "../db/schema.ts";
import type { VmView } from "../db/vms.ts";
import { catalogue, type CatalogueImage } from "../protocol/catalogue.ts";
import type { Token } from "../protocol/accounts.ts";
import type { Config } from "../protocol/config.ts";
import { operationErrors } from "../protocol/errors.ts";
import { eventMessage, type SystemEvent } from "../protocol/events.ts";
import type { AuditEntry, LogEntry } from "../protocol/records.ts";
import type { Host, Image, Operation, Pagination, User, Vm } from "../protocol/rest.ts";
import type { Language } from "./language.ts";
import { blockersOf } from "./placement.ts";
import { waitingFor } from "./waiting-for.ts";

export function toUser(row: UserRow): User {
  const { id, username, email, role, permissions, plan, lastLoginAt, createdAt, updatedAt } = row;
  return {
    ...{ id, username, email, role, permissions, plan },
    quotas: {
      vms: row.quotaVms,
      cpu: row.quotaCpu,
      memory: row.quotaMemory,
      disk: row.quotaDisk,
      snapshots: row.quotaSnapshots,
    },
    status: row.disabled ? "disabled" : "active",
    ...{ lastLoginAt, createdAt, updatedAt },
  };
}

export function toToken({ id, name, scopes, expiresAt, lastUsedAt, createdAt }: TokenRow): Token {
  return { id, name, scopes, expiresAt, lastUsedAt, createdAt };
}

export function toAuditEntry(row: AuditRow): AuditEntry {
  const { seq, timestamp, userId, username, address, method, route, path, requestId, result, code } = row;
  return {
    id: `audit-${digits(seq)}`,
    timestamp,
    user: userId === null ? null : { id: userId, username: username ?? "" },
    credential: { type: row.credential, id: row.credentialId },
    ...{ address, method, route, path, requestId, result, code },
  };
}

/** So many that the ids sort as text. */
function digits(seq: number): string {
  return `${seq}`.padStart(12, "0");
}

export function toLogEntry(row: LogRow): LogEntry {
  const { seq, timestamp, level, message, source, userId, vmId, metadata } = row;
  return { id: `log-${digits(seq)}`, timestamp, level, message, source, userId, vmId, metadata };
}

export function toOperation(row: OperationView, language: Language): Operation {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    waitingFor: waitingFor(row, language),
    progress: { percent: row.percent, step: row.step, message: row.stepMessage },
    resource: { type: "vm", id: row.vmId },
    hostId: row.hostId,
    userId: row.userId,
    requestId: row.requestId,
    result: (row.result ?? null) as Operation["result"],
    error: row.errorCode === null ? null : { code: row.errorCode, message: failure(row, language) },
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}

export function toEvent(row: EventRow, language: Language): SystemEvent {
  const { seq, event, timestamp, level, vmId, hostId, operationId, userId, data } = row;
  return {
    ...{ seq, event, timestamp, level, message: eventMessage(event, data, language) },
    ...{ vmId, hostId, operationId, userId, data },
  };
}

/** The code's meaning in the reader's language, and the host's own words. */
function failure({ errorCode, errorMessage }: OperationRow, language: Language): string {
  const known = operationErrors[errorCode as keyof typeof operationErrors];
  return [known?.[language], errorMessage].filter(Boolean).join(": ");
}

/** `operation` in place of the one in progress: the answer to a creation shows the creation, ended or not. */
export function toVm({ vm, host, operation }: VmView, language: Language, shown: OperationRow | null = operation): Vm {
  return {
    id: vm.id,
    name: vm.name,
    description: vm.description,
    status: vm.status,
    statusReason: vm.statusReason,
    cpu: vm.cpu,
    memory: vm.memory,
    disk: vm.disk,
    os: vm.os,
    image: vm.imageId,
    hostId: vm.hostId,
    host: {
      id: host.id,
      name: host.name,
      status: host.status,
      asOf: host.status === "online" ? null : host.lastSeenAt,
    },
    ownerId: vm.ownerId,
    network: vm.network,
    autostart: vm.autostart,
    protected: vm.protected,
    labels: vm.labels,
    ipAddresses: [],
    accelerator: vm.accelerator,
    createdAt: vm.createdAt,
    startedAt: vm.startedAt,
    updatedAt: vm.updatedAt,
    operation: shown && toOperation({ ...shown, hostStatus: host.status, behind: before(shown, operation) }, language),
  };
}

/** What comes first on the machine, unless it is this one. */
function before(shown: OperationRow, first: OperationRow | null): string | null {
  return first && first.seq < shown.seq ? first.id : null;
}

export function toHost({ host, images }: HostView, { placement }: Config): Host {
  const accelerator = host.facts === null ? null : (host.facts.accelerator ?? "none");
  return {
    id: host.id,
    name: host.name,
    status: host.status,
    statusReason: host.statusReason,
    schedulable: host.schedulable,
    maintenance: host.maintenance,
    blockedBy: blockersOf({ ...host, accelerator }),
    labels: host.labels,
    facts: host.facts as Host["facts"],
    agentVersion: host.agentVersion,
    updatable: host.updatable,
    agentUpdate: toAgentUpdate(host),
    overcommit: { ...placement.overcommit, ...(host.overcommit as Host["overcommit"] | null) },
    capacity: { cpu: host.capacityCpu, memory: host.capacityMemory, disk: host.capacityDisk },
    allocated: {
      vms: host.allocatedVms,
      cpu: host.allocatedCpu,
      memory: host.allocatedMemory,
      disk: host.allocatedDisk,
    },
    images: [...images],
    lastSeenAt: host.lastSeenAt,
    createdAt: host.createdAt,
  };
}

function toAgentUpdate({ updateVersion, updateOrderedAt, updateError }: HostView["host"]): Host["agentUpdate"] {
  if (updateVersion === null) return null;
  return { version: updateVersion, orderedAt: updateOrderedAt, error: updateError };
}

export function toImage({ id, os, name, minDisk, defaultUser, source }: CatalogueImage): Image {
  const isUrl = source.from === "url";
  return {
    ...{ id, os, name, minDisk, defaultUser },
    format: isUrl ? source.format : "qcow2",
    url: isUrl ? source.url : null,
    sha256: (isUrl && source.checksum.digest) || null,
    source: catalogue.some((image) => image.id === id) ? "catalogue" : "custom",
  };
}

export function toPagination(page: number, limit: number, total: number): Pagination {
  return { page, limit, total, pages: Math.ceil(total / limit) };
}
