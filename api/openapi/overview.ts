/** What holds for all of the API, in the words that its document opens with. */
export const overview = `
Create virtual machines on KVM hosts anywhere, and act on them.

**Log in** with \`POST /auth/login\` and send the token as \`Authorization: Bearer <token>\`; programs use a personal access
token from \`POST /auth/tokens\` in the same place.

**Answers** are \`{success, data, message, timestamp}\`, errors \`{success, error: {code, message, details, fields}, timestamp}\`.
Branch on \`code\`: it never changes its meaning. Times are RFC 3339 in UTC, \`memory\` is MiB, \`disk\` GiB, \`cpu\` vCPUs.
Unknown keys are refused with 400. What belongs to somebody else answers 404. Answers may gain fields.

**Slow work** answers 201 or 202 with an operation. Wait for it with \`Prefer: wait=N\` in the same request, or with
\`GET /operations/{id}?wait=N\`. Operations of one machine run in the order in which they were accepted, so create and then
start works with no wait between. An operation that ends as \`unknown\` may or may not have been done, and is not safe to repeat.

**Sending again** is safe with an \`Idempotency-Key\`: the same key with the same body gets the first answer.

**Limits**: every answer says where the caller stands (\`RateLimit-Remaining\`); past the limit it is 429 with \`Retry-After\`.
`.trim();

export const securitySchemes = {
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT, or a personal access token (vvm_…)",
    description: "From `POST /auth/login` or `POST /auth/tokens`.",
  },
  host: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "EdDSA JWT",
    description: "Signed by the host's own key, and good for one connection.",
  },
} as const;
