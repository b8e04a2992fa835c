/** What can be subscribed to: the right that it takes, the state that it begins with, and which events it is told of. */
import { type EventPage, readEvents } from "../../db/events.ts";
import { findHost } from "../../db/hosts.ts";
import { type Present, readPresentOperations, readPresentVm } from "../../db/present.ts";
import type { OperationView } from "../../db/operation-view.ts";
import type { EventRow } from "../../db/schema.ts";
import type { Owner } from "../../db/vms.ts";
import { eventRules } from "../../protocol/events.ts";
import { socketLimits, type Topic, type VmStatusMessage } from "../../protocol/client-socket.ts";
import type { Permission } from "../../protocol/permissions.ts";
import type { Env } from "../env.ts";
import { ApiError } from "../errors.ts";
import { expiredEvents } from "../events-expired.ts";
import { toEvent, toOperation } from "../views.ts";
import { vmNotFound } from "../vm-not-found.ts";
import type { Connection, Cursor, Session, Subscription } from "./hub-connection.ts";
import { readPiece, sendStatuses, toldThrough } from "./hub-vm-states.ts";

type Begin<T extends Topic["topic"]> = (
  env: Env,
  connection: Connection,
  topic: Extract<Topic, { topic: T }>,
) => Promise<Beginning>;

/** What a subscription starts with. */
export interface Beginning {
  readonly subscription: Subscription;
  /** Which of its cursors the connection needs, and where that one is to stand if it doesn't stand anywhere yet. */
  readonly cursor: Cursor;
  readonly at: number;
  /** Sends the present state. */
  readonly state: () => void;
}

interface TopicRule<T extends Topic["topic"]> {
  readonly permission: Permission;
  readonly begin: Begin<T>;
}

/** A topic that is not here is not offered. */
export const topics: { readonly [T in Topic["topic"]]?: TopicRule<T> } = {
  "vm-status": {
    permission: "vm:read",
    async begin(env, connection, { vmId }) {
      const { at, rows } = await readPresentVm(env.DB, ownerOf(connection), vmId);
      const [vm] = rows;
      if (!vm) throw vmNotFound(vmId);
      const subscription = { topic: "vm-status" as const, vmId: vm.id, name: vm.name, hostId: vm.hostId, since: at };
      return { subscription, cursor: "state", at, state: () => sendStatuses(connection, rows) };
    },
  },
  "vm-status-all": {
    permission: "vm:read",
    async begin(env, connection) {
      const { at, pieces, rows } = await readPiece(env, connection, []);
      const subscription = { topic: "vm-status-all" as const, since: at, pieces };
      return { subscription, cursor: "state", at, state: () => sendStatuses(connection, rows) };
    },
  },
  "vm-metrics": {
    permission: "vm:read",
    async begin(env, connection, { vmId, interval }) {
      const { at, rows } = await readPresentVm(env.DB, ownerOf(connection), vmId);
      const [vm] = rows;
      if (!vm) throw vmNotFound(vmId);
      const { id, name, hostId } = vm;
      const subscription = { topic: "vm-metrics" as const, vmId: id, name, hostId, interval, since: at };
      return { subscription, cursor: "state", at, state: () => {} };
    },
  },
  "system-monitor": {
    permission: "host:read",
    async begin(env, connection, { hostId, interval }) {
      if (hostId !== undefined && !(await findHost(env.DB, hostId))) {
        throw new ApiError("HOST_NOT_FOUND", `There is no host '${hostId}'`);
      }
      const { through: at } = await readEvents(env.DB, ownerOf(connection), { after: 0, limit: 0 });
      const which = hostId === undefined ? {} : { hostId };
      const subscription = { topic: "system-monitor" as const, ...which, interval, since: at };
      return { subscription, cursor: "state", at, state: () => {} };
    },
  },
  operations: {
    permission: "operation:read",
    async begin(env, connection) {
      const { at, rows }: Present<OperationView> = await readPresentOperations(env.DB, ownerOf(connection));
      const subscription = { topic: "operations" as const, since: at };
      const state = () => rows.forEach((row) => sendOperation(connection, row));
      return { subscription, cursor: "state", at, state };
    },
  },
  events: {
    permission: "event:read",
    async begin(env, connection, { after }) {
      const { through, forgotten } = await readEvents(env.DB, ownerOf(connection), { after: 0, limit: 0 });
      const at = after ?? through;
      if (at < forgotten || at > through) throw expiredEvents(at, forgotten);
      return { subscription: { topic: "events", since: at }, cursor: "events", at, state: () => {} };
    },
  },
};

/** One more subscription, in place of the same one. Errors: TOO_MANY_SUBSCRIPTIONS. */
export function withSubscription(all: readonly Subscription[], added: Subscription): Subscription[] {
  const others = all.filter(
    ({ topic, vmId, hostId }) => topic !== added.topic || vmId !== added.vmId || hostId !== added.hostId,
  );
  if (others.length < socketLimits.maxSubscriptions) return [...others, added];
  throw new ApiError("TOO_MANY_SUBSCRIPTIONS", `A connection has at most ${socketLimits.maxSubscriptions}`);
}

export function withoutSubscription(all: readonly Subscription[], wanted: Topic): Subscription[] {
  const vm = "vmId" in wanted ? wanted.vmId : undefined;
  const isOther = ({ topic, vmId, name, hostId }: Subscription) =>
    topic !== wanted.topic ||
    (vm !== undefined && vm !== vmId && vm !== name) ||
    (wanted.topic === "system-monitor" && wanted.hostId !== hostId);
  return all.filter(isOther);
}

/** Tells a connection of an event what it has subscribed to of it. */
export function tell(connection: Connection, cursor: Cursor, row: EventRow, { operations }: EventPage): void {
  const { session, subscriptions, language } = connection.state;
  if (!isKnown(row) || !session?.may.includes(eventRules[row.event].permission)) return;
  if (cursor === "events") return connection.send({ type: "system-event", data: toEvent(row, language) });
  const wants = (topic: Topic["topic"]) =>
    subscriptions.some(
      (one) => one.topic === topic && toldThrough(one, row.vmId) < row.seq && (one.vmId ?? row.vmId) === row.vmId,
    );
  if (row.operationId !== null) {
    const operation = operations.find(({ id }) => id === row.operationId);
    if (operation && wants("operations")) sendOperation(connection, asOf(row, operation));
    return;
  }
  const status = statusOf(row);
  if (status && (wants("vm-status") || wants("vm-status-all"))) sendStatuses(connection, [status]);
}

/** What a connection asks for next of `events` was forgotten in the meantime. */
export function endExpired(connection: Connection, forgotten: number): void {
  const { subscriptions, cursors } = connection.state;
  const { code, message } = expiredEvents(cursors.events ?? 0, forgotten);
  connection.update({
    subscriptions: subscriptions.filter(({ topic }) => topic !== "events"),
    cursors: { ...cursors, events: null },
  });
  connection.fail(code, message);
}

/** Progress may be lost; what comes after the end is late. */
export function tellProgress(connection: Connection, operation: OperationView): void {
  const { session, subscriptions } = connection.state;
  const wants = subscriptions.some(({ topic }) => topic === "operations");
  if (wants && session?.may.includes("operation:read") && !connection.isFull) sendOperation(connection, operation);
}

/** A later version may write kinds that this one has no words for. */
function isKnown({ event }: EventRow): boolean {
  return Object.hasOwn(eventRules, event);
}

function statusOf({ vmId, event, data }: EventRow): (Pick<VmStatusMessage, "name" | "status"> & { id: string }) | null {
  if (vmId === null) return null;
  // Of other changes only a new name is shown.
  if (event === "vm-updated" && data["from"] === data["name"]) return null;
  const status = event === "vm-deleted" ? "deleted" : (data["status"] as VmStatusMessage["status"]);
  return { id: vmId, name: data["name"] ?? "", status };
}

function sendOperation(connection: Connection, row: OperationView): void {
  connection.send({ type: "operation", data: toOperation(row, connection.state.language) });
}

/** An operation as it was when the event happened: by now it may be further. */
function asOf({ event }: EventRow, row: OperationView): OperationView {
  if (event === "operation-ended") return row;
  const open = { result: null, errorCode: null, errorMessage: null, finishedAt: null, percent: 0 };
  const nowhere = { step: null, stepMessage: null };
  return event === "operation-started"
    ? { ...row, ...open, ...nowhere, status: "running" }
    : { ...row, ...open, ...nowhere, status: "queued", startedAt: null };
}

function ownerOf({ state }: Connection): Owner {
  return state.session as Session;
}
