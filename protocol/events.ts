/**
 * What can happen that clients are told of: who may be told, and the words for it.
 *
 * `data` fills the words' placeholders. An event of a kind that this version doesn't know is kept from clients.
 */
import * as z from "zod";
import type { Permission } from "./permissions.ts";
import { LogLevel } from "./records.ts";

interface EventRule {
  /** Without it nobody is told. */
  readonly permission: Permission;
  readonly zh: string;
  readonly en: string;
}

export const eventRules = {
  "vm-created": { permission: "vm:read", zh: "虚拟机 {name} 已创建", en: "Machine {name} was created" },
  "vm-status-changed": {
    permission: "vm:read",
    zh: "虚拟机 {name} 的状态由 {from} 变为 {status}",
    en: "Machine {name} went from {from} to {status}",
  },
  "vm-updated": { permission: "vm:read", zh: "虚拟机 {name} 的配置已修改", en: "Machine {name} was changed" },
  "vm-deleted": { permission: "vm:read", zh: "虚拟机 {name} 已删除", en: "Machine {name} was deleted" },
  "operation-accepted": {
    permission: "operation:read",
    zh: "操作 {kind} 已受理",
    en: "Operation {kind} was accepted",
  },
  "operation-started": {
    permission: "operation:read",
    zh: "操作 {kind} 已开始执行",
    en: "Operation {kind} has begun",
  },
  "operation-ended": {
    permission: "operation:read",
    zh: "操作 {kind} 已结束：{status}",
    en: "Operation {kind} has ended: {status}",
  },
  "host-added": { permission: "host:read", zh: "主机 {name} 已添加", en: "Host {name} was added" },
  "host-online": { permission: "host:read", zh: "主机 {name} 已上线", en: "Host {name} came online" },
  "host-offline": { permission: "host:read", zh: "主机 {name} 已离线", en: "Host {name} went offline" },
  "host-updated": { permission: "host:read", zh: "主机 {name} 的设置已修改", en: "Host {name} was changed" },
  "host-removed": { permission: "host:read", zh: "主机 {name} 已移除", en: "Host {name} was removed" },
  "image-added": { permission: "image:read", zh: "镜像 {name} 已添加", en: "Image {name} was added" },
  "image-deleted": { permission: "image:read", zh: "镜像 {name} 已删除", en: "Image {name} was deleted" },
  "user-created": { permission: "user:read", zh: "用户 {name} 已创建", en: "User {name} was created" },
  "user-updated": { permission: "user:read", zh: "用户 {name} 已修改", en: "User {name} was changed" },
  "user-deleted": { permission: "user:read", zh: "用户 {name} 已删除", en: "User {name} was deleted" },
  "config-updated": { permission: "config:read", zh: "系统配置已修改", en: "The configuration was changed" },
} as const satisfies Record<string, EventRule>;

export type EventKind = keyof typeof eventRules;

/** `name` of what it is about; `from` and `status` of a change; `kind` and `code` of an operation. */
export const EventData = z.record(z.string(), z.string().nullable());
export type EventData = z.infer<typeof EventData>;

/** An event's place in the order of all events. Sequences rise, and what a caller may not see leaves holes. */
export const EventSequence = z.int().min(0);

/** Something that happened. `event` is its kind. */
export const SystemEvent = z.object({
  seq: EventSequence,
  event: z.string(),
  timestamp: z.iso.datetime(),
  level: LogLevel,
  /** In the reader's language. */
  message: z.string(),
  vmId: z.string().nullable(),
  hostId: z.string().nullable(),
  operationId: z.string().nullable(),
  /** Whose it is; null: the system's, for administrators. */
  userId: z.string().nullable(),
  data: EventData,
});
export type SystemEvent = z.infer<typeof SystemEvent>;

/** Query of `GET /events`: what came after `after`, oldest first; without it from the oldest that is kept. */
export const EventQuery = z.strictObject({
  after: z.coerce.number().pipe(EventSequence).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  vmId: z.string().max(64).optional(),
});
export type EventQuery = z.infer<typeof EventQuery>;

export const EventList = z.object({
  events: z.array(SystemEvent),
  /** What to ask for next with `after`: nothing before it is left to read. */
  after: EventSequence,
  /** Whether there is more already. */
  more: z.boolean(),
});
export type EventList = z.infer<typeof EventList>;

export function eventMessage(kind: EventKind, data: EventData, language: "zh" | "en"): string {
  return eventRules[kind][language].replaceAll(/\{(\w+)\}/g, (_, name: string) => data[name] ?? "?");
}
