/**
 * Writes sdk/typescript/src/generated.ts from what the API is made of, so that the SDK's types can't say anything else
 * than the OpenAPI document and the schemas of the sockets.
 *
 * Own code, since openapi-typescript needs the compiler API of TypeScript 5 and knows nothing of sockets: see
 * docs/decisions/0013-clients-without-dependencies.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { app } from "../api/app.ts";
import { openApiDocument } from "../api/openapi/document.ts";
import { Schemas } from "../api/openapi/schemas.ts";
import { socketCloseCodes, Topic, VmStatusMessage } from "../protocol/client-socket.ts";
import { SystemEvent } from "../protocol/events.ts";
import { errorTable, operationErrors, streamErrors } from "../protocol/errors.ts";
import { HostSample, VmSample } from "../protocol/samples.ts";
import { creditProtocol, StreamControl, streamLimits } from "../protocol/streams.ts";
import { projectFolder, projectVersion } from "./project.ts";
import { type JsonSchema, declaration, typeOf } from "./write-sdk-types/from-schema.ts";

const file = join(projectFolder, "sdk/typescript/src/generated.ts");

interface DocumentedCall {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters: readonly (
    | { name: string; in: string; required?: boolean; schema: JsonSchema }
    | { $ref: string }
  )[];
  readonly requestBody?: { readonly content: Record<string, { schema: JsonSchema }> };
  readonly responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
}

export function sdkTypes(): string {
  const document = openApiDocument(app.routes, projectVersion) as unknown as {
    paths: Record<string, Record<string, DocumentedCall>>;
    components: { schemas: Record<string, JsonSchema> };
  };
  const calls = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .filter(({ tags, responses }) => !tags.includes("Agents") && !("101" in responses))
    .toSorted((a, b) => a.operationId.localeCompare(b.operationId));

  const sockets = new Schemas();
  const socketReferences = [
    ...Object.entries({ HostSample, SystemEvent, VmSample, VmStatusMessage }).map(([name, schema]) =>
      sockets.answer(schema, name),
    ),
    ...Object.entries({ StreamControl, Topic }).map(([name, schema]) => sockets.body(schema, name)),
  ];
  const schemas = {
    ...withoutNotes(sockets.reachableFrom(socketReferences) as Record<string, JsonSchema>),
    ...reachable(calls.map(callSchema), document.components.schemas),
  };
  const callTypes = calls.map((call) => `  ${call.operationId}: ${typeOf(callSchema(call), "  ")};`);

  return `${[
    "/** Made from the OpenAPI document and protocol/ by `node scripts/write-sdk-types.ts`; a test keeps it so. */",
    ...Object.entries(schemas)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, schema]) => declaration(name, schema)),
    `/** By operation of the OpenAPI document: its query, its body, and what the answer holds. */\nexport interface Calls {\n${callTypes.join("\n")}\n}`,
    `/** What an answer's \`error.code\` may be. */\nexport type ApiErrorCode =${union(Object.keys(errorTable))};`,
    `/** Why an operation may have failed on its host. */\nexport type OperationErrorCode =${union(Object.keys(operationErrors))};`,
    `/** Why a stream was not opened, or has ended. */\nexport type StreamErrorCode =${union(Object.keys(streamErrors))};`,
    `/** What failed so on a host may succeed when it is asked for again. */\nexport const retryableErrors: readonly string[] = ${JSON.stringify(
      Object.entries({ ...operationErrors, ...streamErrors }).flatMap(([code, { retryable }]) =>
        retryable ? [code] : [],
      ),
    )};`,
    `export const creditProtocol = ${JSON.stringify(creditProtocol)};`,
    `/** Bytes. */\nexport const streamWindow = ${streamLimits.windowBytes};`,
    `/** Bytes. */\nexport const tunnelWindow = ${streamLimits.tunnelWindowBytes};`,
    `/** Bytes. */\nexport const maxStreamFrame = ${streamLimits.maxFrameBytes};`,
    `export const closeCodes = ${JSON.stringify(socketCloseCodes)} as const;`,
  ].join("\n\n")}\n`;
}

function callSchema({ parameters, requestBody, responses }: DocumentedCall): JsonSchema {
  const query = parameters.flatMap((one) => ("in" in one && one.in === "query" ? [one] : []));
  const content = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1].content ?? {};
  const answer = content["application/json"]?.schema;
  const envelope = answer?.allOf?.[0] ?? answer;
  return {
    type: "object",
    required: ["query", "body", "data"],
    properties: {
      query: {
        type: "object",
        properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
        required: query.flatMap(({ name, required }) => (required ? [name] : [])),
      },
      body: requestBody?.content["application/json"]?.schema ?? { type: "null" },
      data:
        envelope?.properties?.["data"] ??
        envelope ??
        (Object.keys(content).length > 0 ? { type: "string" } : { type: "null" }),
    },
  };
}

/** What fields of the REST API mean by their names is not what they mean in samples. */
function withoutNotes(schemas: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const isNote = (key: string, value: unknown) => key === "description" && typeof value === "string";
  return JSON.parse(JSON.stringify(schemas, (key, value: unknown) => (isNote(key, value) ? undefined : value)));
}

function reachable(roots: unknown, all: Readonly<Record<string, JsonSchema>>): Record<string, JsonSchema> {
  const found: Record<string, JsonSchema> = {};
  const queue = namesIn(roots);
  for (const name of queue) {
    const schema = all[name];
    if (!schema || name in found) continue;
    found[name] = schema;
    queue.push(...namesIn(schema));
  }
  return found;
}

function namesIn(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name as string);
}

function union(names: readonly string[]): string {
  return names.map((name) => `\n  | ${JSON.stringify(name)}`).join("");
}

export function isCurrent(): boolean {
  return readFileSync(file, "utf8") === sdkTypes();
}

if (import.meta.main) writeFileSync(file, sdkTypes());
