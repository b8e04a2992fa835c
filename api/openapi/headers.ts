/** Headers that answers bear and requests may bring. */
export const headers = {
  "X-Request-Id": {
    description: "The request's id in logs and audit trail: the client's own, if it sent a sane one.",
    schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,128}$" },
  },
  "X-VoidVM-Version": { description: "Semantic version of the server.", schema: { type: "string" } },
  "RateLimit-Limit": { description: "Requests a minute that the caller has.", schema: { type: "integer", minimum: 0 } },
  "RateLimit-Remaining": { description: "Requests that are left of them.", schema: { type: "integer", minimum: 0 } },
  "RateLimit-Reset": {
    description: "Seconds until all of them are there again.",
    schema: { type: "integer", minimum: 0 },
  },
  "Retry-After": { description: "Seconds after which to try again.", schema: { type: "integer", minimum: 0 } },
  Location: {
    description: "Address of what was created, below the server's origin.",
    schema: { type: "string", format: "uri-reference" },
  },
  ETag: { description: "The state that the answer shows, for `If-Match`.", schema: { type: "string" } },
  "Preference-Applied": {
    description: "The `wait` that the server took from `Prefer`.",
    schema: { type: "string", pattern: "^wait=\\d+$" },
  },
  "Idempotent-Replayed": {
    description: "`true` where this is the first answer to the same `Idempotency-Key`, told again.",
    schema: { type: "string", const: "true" },
  },
} as const;

export type HeaderName = keyof typeof headers;

/** In every answer. */
export const headersOfAll = [
  ...(["X-Request-Id", "X-VoidVM-Version"] as const),
  ...(["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] as const),
];

export const parameters = {
  AcceptLanguage: {
    name: "Accept-Language",
    in: "header",
    description: "Language of `message`: Chinese (the default) or English. `code` and `details` don't change with it.",
    schema: { type: "string", default: "zh-CN" },
    examples: { chinese: { value: "zh-CN" }, english: { value: "en" } },
  },
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description: "An id of the client's own. One that is not sane is replaced.",
    schema: headers["X-Request-Id"].schema,
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Makes it safe to send the request again: for 24 hours the same key with the same body gets the first answer and does nothing anew.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  Prefer: {
    name: "Prefer",
    in: "header",
    description:
      "`wait=N` (RFC 7240): answer when the operation has ended, or after N seconds, at most 55. It counts as one request.",
    schema: { type: "string" },
    example: "wait=30",
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    description: "An `ETag`: the change is made only if nothing has changed since.",
    schema: { type: "string" },
  },
} as const;

export type ParameterName = keyof typeof parameters;
