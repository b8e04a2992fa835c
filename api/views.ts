/** From the database's rows to what the API answers. */
import { overcommitOf } from "../db/capacity.ts";
import type { HostView } from "../db/hosts.ts";
import type { AuditRow, LogRow, OperationRow, TokenRow, UserRow } from "../db/schema.ts";
import type { VmView } from "../db/vms.ts";
import { catalogue, type CatalogueImage } from "../protocol/catalogue.ts";
import type { Token } from "../protocol/accounts.ts";
import { operationErrors } from "../protocol/errors.ts";
import type { AuditEntry, LogEntry } from "../protocol/records.ts";
import type { Host, Image, Operation, Pagination, User, Vm } from "../protocol/rest.ts";
import type { Language } from "./language.ts";

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

export function toOperation(row: OperationRow, language: Language): Operation {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
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
    operation: shown && toOperation(shown, language),
  };
}

export function toHost({ host, allocated }: HostView): Host {
  return {
    id: host.id,
    name: host.name,
    status: host.status,
    schedulable: host.schedulable,
    labels: host.labels,
    facts: host.facts as Host["facts"],
    agentVersion: host.agentVersion,
    updatable: host.updatable,
    update: toHostUpdate(host),
    overcommit: overcommitOf(host.overcommit),
    capacity: { cpu: host.capacityCpu, memory: host.capacityMemory, disk: host.capacityDisk },
    allocated,
    lastSeenAt: host.lastSeenAt,
    createdAt: host.createdAt,
  };
}

function toHostUpdate({ updateVersion, updateOrderedAt, updateError }: HostView["host"]): Host["update"] {
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
