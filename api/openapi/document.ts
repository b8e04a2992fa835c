/**
 * The OpenAPI document, made from what is mounted: the routes, the schemas that validate them, the route table's
 * rights, and the words of operations/.
 */
import type { RouterRoute } from "hono/types";
import { ClientMessage, ServerMessage } from "../../protocol/client-socket.ts";
import { access, apiBase, isForUsers, type RouteKey, routeKeyOf } from "../access.ts";
import { validatedBy } from "../validate.ts";
import { errorsOf, ErrorResponses } from "./error-responses.ts";
import { type HeaderName, headers, headersOfAll, type ParameterName, parameters } from "./headers.ts";
import { type Answer, type OperationDoc, tags } from "./operation.ts";
import { operationDocs } from "./operations/index.ts";
import { overview, securitySchemes } from "./overview.ts";
import { inlineSchema, type Json, queryParameters, Schemas } from "./schemas.ts";

/** A mounted route with what it validates. */
interface MountedRoute {
  readonly key: RouteKey;
  readonly method: string;
  /** As Hono spells it, below the base. */
  readonly path: string;
  readonly validates: ReturnType<typeof validatedBy.get>[];
}

export function openApiDocument(mounted: readonly RouterRoute[], version: string): Json {
  const schemas = new Schemas();
  const errors = new ErrorResponses();
  const paths: Record<string, Json> = {};
  for (const route of routesOf(mounted)) {
    const doc = operationDocs[route.key];
    if (doc)
      (paths[openPath(route.path)] ??= {})[route.method.toLowerCase()] = toOperation(route, doc, schemas, errors);
  }
  const responses = errors.components();
  // What is said on `/ws` has no route here.
  const messages = [schemas.body(ClientMessage, "ClientMessage"), schemas.answer(ServerMessage, "ServerMessage")];
  return {
    openapi: "3.1.1",
    info: {
      title: "VoidVM",
      version,
      summary: "KVM hosts anywhere, behind NAT too, as one cloud.",
      description: overview,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: apiBase, description: "Where this document comes from" }],
    security: [{ bearer: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => a.localeCompare(b))),
    components: {
      schemas: schemas.reachableFrom([paths, messages]),
      responses,
      headers,
      parameters,
      securitySchemes,
    },
  };
}

/** What is mounted below the base, without what is there for every method. */
export function routesOf(mounted: readonly RouterRoute[]): MountedRoute[] {
  const routes = new Map<string, MountedRoute>();
  for (const { method, path, handler } of mounted) {
    const key = routeKeyOf(method, path);
    if (method === "ALL" || key === null || !path.startsWith(`${apiBase}/`)) continue;
    const route = routes.get(key) ?? { key, method, path: path.slice(apiBase.length), validates: [] };
    routes.set(key, route);
    const validates = validatedBy.get(handler);
    if (validates) route.validates.push(validates);
  }
  return [...routes.values()];
}

function toOperation(route: MountedRoute, doc: OperationDoc, schemas: Schemas, errors: ErrorResponses): Json {
  const right = access[route.key];
  const body = route.validates.find((entry) => entry?.target === "json")?.schema;
  const query = route.validates.find((entry) => entry?.target === "query")?.schema;
  const names = parameterNames(route, doc);
  const isOpen = !isForUsers(right);
  return {
    operationId: doc.id,
    tags: [doc.tag],
    summary: doc.summary,
    description: [doc.description, isOpen ? undefined : `Needs the permission \`${right}\`.`]
      .filter(Boolean)
      .join("\n\n"),
    ...(isOpen ? { security: right === "agent" ? [{ host: [] }] : [] } : {}),
    parameters: [
      ...pathParameters(route.path),
      ...(query ? queryParameters(query) : []),
      ...names.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ],
    ...(body
      ? {
          requestBody: {
            required: !body.safeParse({}).success,
            content: {
              "application/json": {
                schema: schemas.body(body, `${capital(doc.id)}Body`),
                ...(doc.example ? { example: doc.example } : {}),
              },
            },
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(doc.answers).map(([status, answer]) => [status, toResponse(route, answer, doc, schemas)]),
      ),
      ...errors.of(errorsOf(route.key, route.method, doc, { body: !!body, query: !!query })),
    },
  };
}

function toResponse({ method }: MountedRoute, answer: Answer, doc: OperationDoc, schemas: Schemas): Json {
  const { description, data, beside, media, headers: more = [] } = answer;
  const name = capital(doc.id);
  const replayed: HeaderName[] = method === "POST" ? ["Idempotent-Replayed"] : [];
  const sent = "101" in doc.answers ? [] : [...headersOfAll, ...more, ...replayed];
  return {
    description,
    headers: Object.fromEntries(sent.map((header) => [header, { $ref: `#/components/headers/${header}` }])),
    ...(data
      ? {
          content: {
            [media ?? "application/json"]: {
              schema: media
                ? schemas.answer(data, `${name}Answer`)
                : envelope(schemas.answer(data, `${name}Data`), beside && inlineSchema(beside)),
            },
          },
        }
      : {}),
  };
}

function envelope(data: Json, beside: Json | undefined): Json {
  const schema = {
    type: "object",
    required: ["success", "data", "message", "timestamp"],
    properties: {
      success: { type: "boolean", const: true },
      data,
      message: { type: "string", description: "For people, in the language that was asked for." },
      timestamp: { type: "string", format: "date-time" },
    },
  };
  return beside ? { allOf: [schema, beside] } : schema;
}

function parameterNames({ method, key }: MountedRoute, doc: OperationDoc): ParameterName[] {
  const all: [ParameterName, boolean][] = [
    ["Prefer", doc.waits === true],
    ["IdempotencyKey", method === "POST" && isForUsers(access[key])],
    ["IfMatch", doc.conditional === true],
    ["AcceptLanguage", true],
    ["RequestId", true],
  ];
  return all.filter(([, applies]) => applies).map(([name]) => name);
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    ...(path.startsWith("/vms/:id") && name === "id"
      ? { description: "The machine's id, or its owner's name for it." }
      : {}),
    schema: { type: "string" },
  }));
}

function openPath(path: string): string {
  return path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
