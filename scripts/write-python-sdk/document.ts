/** What of the OpenAPI document and of the sockets' schemas a client needs, with the names that it bears in Python. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { app } from "../../api/app.ts";
import { openApiDocument } from "../../api/openapi/document.ts";
import { Schemas } from "../../api/openapi/schemas.ts";
import { VmStatusMessage } from "../../protocol/client-socket.ts";
import { SystemEvent } from "../../protocol/events.ts";
import { HostSample, VmSample } from "../../protocol/samples.ts";
import { StreamTicket } from "../../protocol/streams.ts";
import { projectFolder, projectVersion } from "../project.ts";

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
}
export type NamedSchemas = Readonly<Record<string, JsonSchema>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security?: readonly object[];
  readonly parameters: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: JsonSchema }> };
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: JsonSchema }> }>>;
}

/** A method of the SDK and the route that it calls. */
export interface DocumentedCall {
  /** `vms`; `client` where the client itself has it. */
  readonly resource: string;
  /** `list`. */
  readonly name: string;
  readonly method: string;
  /** `/vms/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly query: readonly Parameter[];
  readonly body: JsonSchema | null;
  /** What the answer's envelope holds; null where there is none. */
  readonly data: JsonSchema | null;
  /** `bare`: JSON without the envelope. */
  readonly form: "envelope" | "bare" | "text" | "nothing";
  readonly waits: boolean;
  readonly conditional: boolean;
  readonly repeatable: boolean;
  /** Asks for no token. */
  readonly isOpen: boolean;
}

const document = openApiDocument(app.routes, projectVersion) as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: NamedSchemas };
};

const sockets = new Schemas();
const socketRoots = Object.entries({ HostSample, StreamTicket, SystemEvent, VmSample, VmStatusMessage }).map(
  ([name, schema]) => sockets.answer(schema, name),
);
const schemas: NamedSchemas = {
  ...(sockets.reachableFrom(socketRoots) as NamedSchemas),
  ...document.components.schemas,
};

/** Those that sdk/methods.json names, in its order. Sockets have methods written by hand. */
export function documentedCalls(): DocumentedCall[] {
  const { methods } = JSON.parse(readFileSync(join(projectFolder, "sdk/methods.json"), "utf8")) as {
    methods: { route: string; python: string | null }[];
  };
  return methods.flatMap(({ route, python }) => {
    const [method = "", honoPath = ""] = route.split(" ");
    const path = honoPath.replaceAll(/:(\w+)/g, "{$1}");
    const operation = document.paths[path]?.[method.toLowerCase()];
    if (!operation || python === null || operation.tags.includes("Consoles")) return [];
    const [name = "", resource = "client"] = python.split(".").toReversed();
    return [toCall(resource, name, method, path, operation)];
  });
}

function toCall(resource: string, name: string, method: string, path: string, operation: Operation): DocumentedCall {
  const { operationId, summary, description, parameters, requestBody, responses, security } = operation;
  const has = (reference: string) => parameters.some((one) => "$ref" in one && one.$ref.endsWith(`/${reference}`));
  const content = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1].content ?? {};
  const answer = content["application/json"]?.schema;
  const envelope = answer?.allOf?.[0] ?? answer;
  const data = envelope?.properties?.["data"];
  return {
    ...{ resource, name, method, path, operationId, summary, description },
    query: parameters.filter((one): one is Parameter => "in" in one && one.in === "query"),
    body: requestBody?.content["application/json"]?.schema ?? null,
    data: data ?? answer ?? null,
    form: data ? "envelope" : answer ? "bare" : Object.keys(content).length > 0 ? "text" : "nothing",
    waits: has("Prefer"),
    conditional: has("IfMatch"),
    // Ending a session twice is ending it.
    repeatable: has("IdempotencyKey") && operationId !== "logout",
    isOpen: security?.length === 0,
  };
}

/** What clients read, by name; messages of the socket too. */
export function answerSchemas(calls: readonly DocumentedCall[]): NamedSchemas {
  return reachable([socketRoots, ...calls.flatMap(({ data, form }) => (form === "envelope" ? [data] : []))]);
}

/** What clients send, by name. */
export function inputSchemas(calls: readonly DocumentedCall[]): NamedSchemas {
  return reachable(calls.map(({ body }) => body));
}

/** The name that a choice of words has in the document, wherever it stands. */
export function choiceName(words: readonly string[]): string | null {
  return choiceNames.get(JSON.stringify(words)) ?? null;
}

const choiceNames = new Map(
  Object.entries(schemas).flatMap(([name, { enum: words }]) =>
    words ? [[JSON.stringify(words), name] as const] : [],
  ),
);

export function resolve(schema: JsonSchema): JsonSchema {
  return schema.$ref === undefined ? schema : (schemas[lastOf(schema.$ref)] ?? {});
}

export function referenceName($ref: string): string {
  return givenNames[lastOf($ref)] ?? lastOf($ref);
}

function lastOf($ref: string): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

/** Schemas that the document names after the first route that answers them. */
const givenNames: Readonly<Record<string, string>> = {
  CreateHostData: "CreatedHost",
  DeleteVmData: "VmOperation",
  GetHealthData: "Health",
  RenewHostTokenData: "RenewedHostToken",
  UpdateVmData: "UpdatedVm",
};

function reachable(roots: unknown): NamedSchemas {
  const found: Record<string, JsonSchema> = {};
  const queue = referencesIn(roots);
  for (const reference of queue) {
    const schema = schemas[reference];
    const name = givenNames[reference] ?? reference;
    if (!schema || name in found) continue;
    found[name] = schema;
    queue.push(...referencesIn(schema));
  }
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => a.localeCompare(b)));
}

function referencesIn(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name as string);
}
