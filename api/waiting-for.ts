/** Why an operation has not begun, in the reader's language. */
import { expiryOf } from "../db/expiry.ts";
import type { OperationView } from "../db/operation-view.ts";
import type { WaitingFor } from "../protocol/rest.ts";
import type { Language } from "./language.ts";

export function waitingFor(operation: OperationView, language: Language): WaitingFor | null {
  if (operation.status !== "queued") return null;
  const reason = reasonOf(operation);
  return {
    reason,
    message: words[reason][language],
    hostId: operation.hostId,
    operationId: reason === "QUEUED_BEHIND" ? operation.behind : null,
    expiresAt: expiryOf(operation.createdAt),
  };
}

/** The host comes first: while it is away, what is before in the queue waits for it too. */
function reasonOf({ hostStatus, behind }: OperationView): WaitingFor["reason"] {
  if (hostStatus === "pending") return "HOST_PENDING";
  if (hostStatus === "quarantined") return "HOST_QUARANTINED";
  if (hostStatus !== "online") return "HOST_OFFLINE";
  return behind === null ? "DELIVERY" : "QUEUED_BEHIND";
}

const words: Record<WaitingFor["reason"], Record<Language, string>> = {
  HOST_PENDING: { zh: "主机尚未加入", en: "The host has not joined yet" },
  HOST_OFFLINE: { zh: "主机离线，上线后执行", en: "The host is offline; it is done once the host is back" },
  HOST_QUARANTINED: {
    zh: "主机已被隔离，等待管理员处理",
    en: "The host is quarantined until an administrator has decided",
  },
  QUEUED_BEHIND: { zh: "等待同一虚拟机的前一个操作完成", en: "An earlier operation of the machine comes first" },
  DELIVERY: { zh: "正在送达主机", en: "It is on its way to the host" },
};
