/** The one error of the API and the one place that answers it. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorCode, errorTable } from "../protocol/errors.ts";
import type { FieldError } from "../protocol/rest.ts";
import type { AppEnv } from "./env.ts";
import { languageOf } from "./language.ts";

export interface ApiErrorOptions {
  /** What was wrong with which part of the input. */
  readonly fields?: readonly FieldError[];
  /** When to try again, in seconds. */
  readonly retryAfter?: number;
}

/** `details` is English, for logs and issue reports, and names what the code alone can't. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly options: ApiErrorOptions;

  constructor(code: ErrorCode, details: string, options: ApiErrorOptions = {}) {
    super(details);
    this.code = code;
    this.options = options;
  }
}

export function badField(path: string, message: string): ApiError {
  return new ApiError("INVALID_REQUEST_PARAMS", `${path}: ${message}`, { fields: [{ path, message }] });
}

export function onError(thrown: Error, c: Context<AppEnv>): Response {
  const error = toApiError(thrown);
  if (error.code === "INTERNAL_SERVER_ERROR") {
    console.error(
      JSON.stringify({ level: "error", requestId: c.var.requestId, message: thrown.message, stack: thrown.stack }),
    );
  }
  const { code, options } = error;
  const entry = errorTable[code];
  c.set("errorCode", code);
  if (options.retryAfter !== undefined) c.header("Retry-After", `${options.retryAfter}`);
  if (entry.status === 401) c.header("WWW-Authenticate", 'Bearer realm="voidvm"');
  // An agent whose clock is wrong learns the right time from here.
  if (entry.status === 401) c.header("Date", new Date().toUTCString());
  return c.json(
    {
      success: false,
      error: {
        code,
        message: entry[languageOf(c)],
        details: error.message,
        ...(options.fields ? { fields: options.fields } : {}),
      },
      timestamp: new Date().toISOString(),
    },
    entry.status as ContentfulStatusCode,
  );
}

function toApiError(thrown: Error): ApiError {
  if (thrown instanceof ApiError) return thrown;
  // Hono's own: a body that is not JSON.
  if (thrown instanceof HTTPException && thrown.status === 400) {
    return new ApiError("INVALID_REQUEST_PARAMS", "The body is not valid JSON");
  }
  return new ApiError(
    "INTERNAL_SERVER_ERROR",
    "The request failed for a reason of the server's; its id is in the logs",
  );
}
