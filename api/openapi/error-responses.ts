/** Which errors a route may answer, and how they stand in the document: one response for each set that shares a status. */
import * as z from "zod";
import { type ErrorCode, errorTable } from "../../protocol/errors.ts";
import { ErrorBody } from "../../protocol/rest.ts";
import { access, isForUsers, type RouteKey } from "../access.ts";
import { type HeaderName, headersOfAll } from "./headers.ts";
import type { OperationDoc } from "./operation.ts";
import { inlineSchema, type Json } from "./schemas.ts";

/** The route's own, and those that follow from what it is. */
export function errorsOf(
  key: RouteKey,
  method: string,
  doc: OperationDoc,
  takes: { readonly body: boolean; readonly query: boolean },
): ErrorCode[] {
  const forUsers = isForUsers(access[key]);
  const changes = method !== "GET";
  const takesKey = method === "POST" && forUsers;
  const common: readonly (readonly [ErrorCode, boolean])[] = [
    ["INVALID_REQUEST_PARAMS", takes.body || takes.query || takesKey],
    ["UNAUTHENTICATED", forUsers],
    ["TOKEN_EXPIRED", forUsers],
    ["FORBIDDEN", forUsers],
    ["PRECONDITION_FAILED", doc.conditional === true],
    ["PAYLOAD_TOO_LARGE", changes],
    ["UNSUPPORTED_MEDIA_TYPE", changes],
    ["IDEMPOTENCY_IN_PROGRESS", takesKey],
    ["IDEMPOTENCY_MISMATCH", takesKey],
    ["RATE_LIMITED", true],
    ["INTERNAL_SERVER_ERROR", true],
  ];
  const codes = common.filter(([, applies]) => applies).map(([code]) => code);
  return [...new Set([...codes, ...(doc.errors ?? [])])];
}

export class ErrorResponses {
  readonly #sets = new Map<string, ErrorCode[]>();

  /** By status. */
  of(codes: readonly ErrorCode[]): Json {
    const byStatus = Map.groupBy(codes, (code) => errorTable[code].status);
    return Object.fromEntries(
      [...byStatus].map(([status, group]) => {
        const sorted = group.toSorted();
        const name = sorted.join(".");
        this.#sets.set(name, sorted);
        return [status, { $ref: `#/components/responses/${name}` }];
      }),
    );
  }

  components(): Record<string, Json> {
    const entries = [...this.#sets].toSorted(([a], [b]) => a.localeCompare(b));
    return Object.fromEntries(entries.map(([name, codes]) => [name, toResponse(codes)]));
  }
}

function toResponse(codes: readonly ErrorCode[]): Json {
  const status = errorTable[codes[0] as ErrorCode].status as number;
  const named: HeaderName[] = [...headersOfAll];
  if (status === 429 || status === 503 || codes.includes("IDEMPOTENCY_IN_PROGRESS")) named.push("Retry-After");
  return {
    description: codes.map((code) => `\`${code}\`: ${errorTable[code].en}.`).join(" "),
    headers: Object.fromEntries(named.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: {
      "application/json": {
        schema: inlineSchema(ErrorBody.extend({ error: ErrorBody.shape.error.extend({ code: z.enum(codes) }) })),
        examples: Object.fromEntries(codes.map((code) => [code, { value: example(code) }])),
      },
    },
  };
}

function example(code: ErrorCode): Json {
  const { en } = errorTable[code];
  return {
    success: false,
    error: { code, message: en, details: en },
    timestamp: "2026-11-24T08:00:00.000Z",
  };
}
