/**
 * One call of the REST API: its tries, its answer, its error.
 *
 * All tries of a POST bear the same Idempotency-Key, so an answer that was lost is told again and nothing is done twice.
 */
import { type ErrorInfo, VoidVMError } from "./errors.ts";
import type { Calls, Login } from "./generated.ts";
import type { CallOptions, ClientOptions } from "./options.ts";
import { pause } from "./pause.ts";
import { mayRetry, retryDelay } from "./retry.ts";
import { Session } from "./session.ts";

export type Data<Id extends keyof Calls> = Calls[Id]["data"];
export type Body<Id extends keyof Calls> = Calls[Id]["body"];
/** As the document has it, with true and false as they are. */
export type Query<Id extends keyof Calls> = {
  [Name in keyof Calls[Id]["query"]]: Calls[Id]["query"][Name] extends "true" | "false" | undefined
    ? boolean | undefined
    : Calls[Id]["query"][Name];
};

export type QueryValues = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface Call extends CallOptions {
  readonly query?: QueryValues | undefined;
  readonly body?: unknown;
  /** Seconds that the server is asked to wait with its answer. */
  readonly patience?: number;
  /** Before there is a user. */
  readonly open?: boolean;
  /** The answer is not in the envelope. */
  readonly bare?: boolean;
  readonly retries?: number;
}

const etags = new WeakMap<object, string>();

/** The ETag with which `get` answered, for `ifMatch`. */
export function etagOf(resource: object): string | undefined {
  return etags.get(resource);
}

export class Http {
  readonly base: string;
  readonly options: ClientOptions;
  readonly session: Session;

  constructor(options: ClientOptions) {
    this.base = (options.baseURL ?? "http://localhost:3000/api/v1").replace(/\/+$/, "");
    this.options = options;
    this.session = new Session(
      options,
      (path, body) => this.call("POST", path, { body, open: true }) as Promise<Login>,
    );
  }

  /** What the answer holds as `data`. `Id` is the operation in the OpenAPI document that types it. */
  async call<Id extends keyof Calls>(method: string, path: string, call: Call = {}): Promise<Data<Id>> {
    const { signal, ifMatch } = call;
    const key = method === "POST" && !call.open ? (call.idempotencyKey ?? randomKey()) : undefined;
    // A PATCH, or a change on condition, that was made and whose answer was lost would be refused the second time.
    const repeatable = method !== "PATCH" && ifMatch === undefined;
    const retries = call.retries ?? this.options.retries ?? 5;
    let renewed = false;
    let lost = false;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const token = call.open ? null : await this.session.token(signal);
      try {
        return (await this.#try(method, path, call, key, token)) as Data<Id>;
      } catch (error) {
        if (!(error instanceof VoidVMError)) throw error;
        if (error.status === 401 && !call.open && !renewed && (await this.session.renewed(token, signal))) {
          renewed = true;
          continue;
        }
        // The try whose answer was lost has deleted it.
        if (lost && method === "DELETE" && (error.status === 404 || error.code === "VM_DELETING"))
          return null as Data<Id>;
        lost ||= error.status === null;
        if (attempt >= retries || !mayRetry(error, repeatable)) throw error;
        const delay = retryDelay(attempt, error.retryAfter);
        this.options.onRetry?.({ attempt: attempt + 1, delay, error });
        await pause(delay, signal);
      }
    }
  }

  async #try(
    method: string,
    path: string,
    call: Call,
    key: string | undefined,
    token: string | null,
  ): Promise<unknown> {
    const { body, query, patience = 0, signal, ifMatch } = call;
    const limit = AbortSignal.timeout((this.options.timeout ?? 30_000) + patience * 1000);
    const headers = Object.entries({
      Authorization: token === null ? undefined : `Bearer ${token}`,
      "Content-Type": body === undefined ? undefined : "application/json",
      "Accept-Language": this.options.language,
      "Idempotency-Key": key,
      "If-Match": ifMatch,
    }).filter((header): header is [string, string] => header[1] !== undefined);
    try {
      // Called by itself: browsers refuse a fetch whose `this` is something else than the window.
      const { fetch = globalThis.fetch } = this.options;
      const response = await fetch(this.base + path + queryString(query), {
        method,
        headers,
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return readAnswer(response, await response.text(), call.bare === true);
    } catch (error) {
      if (error instanceof VoidVMError) throw error;
      if (signal?.aborted) throw signal.reason;
      const cause = {
        cause: error,
        retryable: true,
        details: error instanceof Error ? describe(error) : String(error),
      };
      if (limit.aborted)
        throw new VoidVMError({ code: "TIMEOUT", message: `${this.base} did not answer in time`, ...cause });
      throw new VoidVMError({ code: "NETWORK_ERROR", message: `${this.base} can't be reached`, ...cause });
    }
  }
}

function readAnswer({ status, ok, headers }: Response, text: string, bare: boolean): unknown {
  const isJson = headers.get("Content-Type")?.includes("json") ?? false;
  if (ok && (text === "" || (bare && !isJson))) return text === "" ? null : text;
  const answer = isJson ? (parse(text) as { success?: boolean; data?: unknown; error?: ErrorInfo } | null) : null;
  if (ok && bare) return answer;
  if (ok && answer?.success) {
    const etag = headers.get("ETag");
    if (etag !== null && typeof answer.data === "object" && answer.data !== null) etags.set(answer.data, etag);
    return answer.data;
  }
  const seconds = Number(headers.get("Retry-After") ?? "none");
  const { code, message, details, fields } = answer?.error ?? {};
  throw new VoidVMError({
    code: code ?? "INVALID_RESPONSE",
    message: message ?? `HTTP ${status} without an answer of this API: is the address right?`,
    status,
    requestId: headers.get("X-Request-Id"),
    retryable: status === 429 || status >= 502 || code === "IDEMPOTENCY_IN_PROGRESS" || code === "TOO_MANY_OPERATIONS",
    retryAfter: Number.isNaN(seconds) ? null : seconds * 1000,
    ...(details === undefined ? {} : { details }),
    ...(fields === undefined ? {} : { fields }),
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function queryString(query: QueryValues = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => [name, String(one)]),
  );
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}

/** `crypto.randomUUID` is not there on pages without TLS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What fetch says is "fetch failed"; what it met stands behind it. */
function describe({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message || cause.name}` : message;
}
