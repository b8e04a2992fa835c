/**
 * `vm-control`: the REST action itself, asked of the app in the caller's name, and answered when its operation has ended.
 *
 * The operation's id is chosen and stored before the action is asked for, and the end comes by its event: so an
 * evicted object still answers, and answers once.
 */
import { readOperationsById } from "../../db/present.ts";
import type { OperationView } from "../../db/operation-view.ts";
import type { SocketAction } from "../../protocol/client-socket.ts";
import { apiBase } from "../access.ts";
import type { Env } from "../env.ts";
import { newId } from "../ids.ts";
import { toOperation } from "../views.ts";
import type { Connection, Session } from "./hub-connection.ts";

export interface ControlRequest {
  readonly operationId: string;
  readonly connectionId: string;
  readonly messageId: string | null;
  readonly vmId: string;
  readonly action: SocketAction;
  /** ms since 1970. */
  readonly askedAt: number;
}

/** Asks the REST API, in this isolate. */
export type AskApi = (env: Env, request: Request) => Promise<Response>;

/** By then a request that was made has its operation in D1. */
const acceptedWithinMs = 60_000;
const prefix = "control:";
const languages = { zh: "zh-CN", en: "en" } as const;

export class Control {
  readonly #kv: SyncKvStorage;
  readonly #env: Env;
  readonly #ask: AskApi;

  constructor(kv: SyncKvStorage, env: Env, ask: AskApi) {
    this.#kv = kv;
    this.#env = env;
    this.#ask = ask;
  }

  /** The connection waits for events already, so the end can't go by. Resolves when the action is accepted or refused. */
  async begin(
    connection: Connection,
    { vmId, action, id }: { readonly vmId: string; readonly action: SocketAction; readonly id: string | undefined },
  ): Promise<void> {
    const request: ControlRequest = {
      ...{ operationId: newId("op"), connectionId: connection.state.id, messageId: id ?? null, vmId, action },
      askedAt: Date.now(),
    };
    this.#kv.put(`${prefix}${request.operationId}`, request);
    const response = await this.#call(connection, request);
    if (response.ok) return;
    this.#remove(request.operationId);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    answer(connection, request, null, { code: error.code, message: error.message });
  }

  /** Answers who waits for one of these operations, if it has ended. */
  ended(connections: readonly Connection[], operations: readonly OperationView[]): void {
    const pending = operations.length > 0 ? this.all() : [];
    for (const request of pending) {
      const operation = operations.find(({ id, finishedAt }) => id === request.operationId && finishedAt !== null);
      if (!operation) continue;
      this.#remove(request.operationId);
      const connection = connections.find(({ state }) => state.id === request.connectionId);
      if (connection) answerEnd(connection, request, operation);
    }
  }

  /** Looks for those whose answer was lost on the way, by a crash of the edge for one. */
  async look(connections: readonly Connection[], now: number = Date.now()): Promise<void> {
    const pending = this.all();
    if (pending.length === 0) return;
    const ids = pending.map(({ operationId }) => operationId);
    const operations = await readOperationsById(this.#env.DB, ids);
    this.ended(connections, operations);
    for (const request of pending) {
      const isLost = !operations.some(({ id }) => id === request.operationId);
      if (!isLost || now - request.askedAt < acceptedWithinMs) continue;
      this.#remove(request.operationId);
      const connection = connections.find(({ state }) => state.id === request.connectionId);
      const error = { code: "UNAVAILABLE", message: "The edge was restarted before it could act: ask again" };
      if (connection) answer(connection, request, null, error);
    }
  }

  waitsFor(connectionId: string): boolean {
    return this.all().some((request) => request.connectionId === connectionId);
  }

  forget(connectionId: string): void {
    const theirs = this.all().filter((request) => request.connectionId === connectionId);
    for (const { operationId } of theirs) this.#remove(operationId);
  }

  all(): ControlRequest[] {
    return [...this.#kv.list<ControlRequest>({ prefix })].map(([, request]) => request);
  }

  #call(connection: Connection, { vmId, action, operationId }: ControlRequest): Promise<Response> {
    const { session, language, address } = connection.state;
    const { id: userId, credential, expiresAt } = session as Session;
    const headers = new Headers({ "Accept-Language": languages[language] });
    const addressHeader = this.#env.VOIDVM_ADDRESS_HEADER;
    if (addressHeader && address !== null) headers.set(addressHeader, address);
    const url = `https://hub${apiBase}/vms/${encodeURIComponent(vmId)}/${action}`;
    const env = { ...this.#env, CALLER: { userId, credential, expiresAt, operationId } };
    return this.#ask(env, new Request(url, { method: "POST", headers }));
  }

  #remove(operationId: string): void {
    this.#kv.delete(`${prefix}${operationId}`);
  }
}

function answerEnd(connection: Connection, request: ControlRequest, row: OperationView): void {
  const { status, error } = toOperation(row, connection.state.language);
  if (status === "succeeded") return answer(connection, request, row.id, null);
  answer(connection, request, row.id, error ?? { code: "HOST_ERROR", message: `It ended as ${status}` });
}

function answer(
  connection: Connection,
  { vmId, action, messageId }: ControlRequest,
  operationId: string | null,
  error: { readonly code: string; readonly message: string } | null,
): void {
  connection.send({
    type: "vm-control-response",
    data: { vmId, action, status: error ? "error" : "success", operationId, error },
    ...(messageId === null ? {} : { id: messageId }),
  });
}
