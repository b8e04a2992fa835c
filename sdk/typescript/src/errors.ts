/** The one error that the SDK throws, beside the reason of a signal that was aborted. */
import type { ApiErrorCode, Operation, OperationErrorCode, StreamErrorCode } from "./generated.ts";

/** What goes wrong before there is an answer, or with it. */
export type ClientErrorCode =
  /** Nothing answered, or the connection broke before the whole answer was there. */
  | "NETWORK_ERROR"
  /** It took longer than was allowed. Where `operation` is set, that goes on. */
  | "TIMEOUT"
  /** What answered is not this API. */
  | "INVALID_RESPONSE"
  /** A WebSocket was closed and can't be had again; `details` tells why. */
  | "SOCKET_CLOSED"
  /** This runtime has no WebSocket: pass one as `webSocket`. */
  | "NO_WEBSOCKET";

/** Open: a newer server may know more codes. */
export type ErrorCode = ApiErrorCode | OperationErrorCode | StreamErrorCode | ClientErrorCode | (string & {});

export interface ErrorInfo {
  readonly code: ErrorCode;
  readonly message: string;
  readonly status?: number | null;
  readonly requestId?: string | null;
  readonly retryable?: boolean;
  readonly details?: string | null;
  readonly fields?: readonly { readonly path: string; readonly message: string }[];
  readonly operation?: Operation | null;
  /** Milliseconds. */
  readonly retryAfter?: number | null;
  readonly cause?: unknown;
}

export class VoidVMError extends Error {
  override readonly name = "VoidVMError";
  /** Branch on it: it never changes its meaning. */
  readonly code: ErrorCode;
  /** Of HTTP; null where there was no answer, and where an operation failed on its host. */
  readonly status: number | null;
  /** Finds the request in the server's logs. */
  readonly requestId: string | null;
  /** The same request may work later without a change. */
  readonly retryable: boolean;
  /** In English, for logs and reports. */
  readonly details: string | null;
  /** Which parts of the input are wrong. */
  readonly fields: readonly { readonly path: string; readonly message: string }[];
  /** The operation that failed, or that goes on behind a TIMEOUT. */
  readonly operation: Operation | null;
  /** Milliseconds after which the server asks to come again. */
  readonly retryAfter: number | null;

  constructor(info: ErrorInfo) {
    super(info.message, info.cause === undefined ? undefined : { cause: info.cause });
    this.code = info.code;
    this.status = info.status ?? null;
    this.requestId = info.requestId ?? null;
    this.retryable = info.retryable ?? false;
    this.details = info.details ?? null;
    this.fields = info.fields ?? [];
    this.operation = info.operation ?? null;
    this.retryAfter = info.retryAfter ?? null;
  }
}
