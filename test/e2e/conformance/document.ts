/** The served OpenAPI document, and whether an answer is one that it tells of. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { FormatsPlugin } from "ajv-formats";
import type { JsonSchema } from "./from-schema.ts";

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly content: { readonly "application/json": { readonly schema: JsonSchema; readonly example?: object } };
  };
  readonly responses: Readonly<Record<string, Response>>;
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

type Json = Record<string, unknown>;

export class OpenApi {
  readonly operations: readonly Operation[];
  readonly #document: Json;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: Json) {
    this.#document = document;
    (formats as unknown as FormatsPlugin)(this.#ajv);
    this.#ajv.addSchema(closed(document) as Json, "openapi");
    const paths = document["paths"] as Record<string, Record<string, Operation>>;
    this.operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        ...operation,
        path,
        method: method.toUpperCase(),
        parameters: operation.parameters.map((parameter) => this.#resolved(parameter)),
        responses: Object.fromEntries(
          Object.entries(operation.responses).map(([status, response]) => [status, this.#resolved(response)]),
        ),
      })),
    );
  }

  resolve(reference: string): unknown {
    return reference
      .slice("#/".length)
      .split("/")
      .reduce<unknown>(
        (value, key) => (value as Json)[key.replaceAll("~1", "/").replaceAll("~0", "~")],
        this.#document,
      );
  }

  /** What is wrong with an answer; empty where it is as documented. */
  faults({ responses, method, path }: Operation, status: number, type: string, body: unknown): string[] {
    const response = responses[status];
    if (!response) return [`${status} is not documented: ${JSON.stringify(body).slice(0, 500)}`];
    if (!response.content) return body === null ? [] : ["a body, and none is documented"];
    const media = Object.keys(response.content).find((name) => type.startsWith(name));
    if (media === undefined) return [`${type} is not documented`];
    const { schema } = response.content[media] as { schema: JsonSchema };
    const key = `${method} ${path} ${status} ${media}`;
    const validate = this.#validators.get(key) ?? this.#ajv.compile(absolute(closed(schema)) as Json);
    this.#validators.set(key, validate);
    if (validate(body)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  /** Headers that the document knows, on an answer of which it doesn't tell them. */
  untoldHeaders({ responses }: Operation, status: number, headers: Headers): string[] {
    const known = Object.keys((this.#document["components"] as { headers: object }).headers);
    return known.filter((name) => headers.has(name) && !(name in (responses[status]?.headers ?? {})));
  }

  #resolved<T>(value: T): T {
    const reference = (value as { $ref?: string }).$ref;
    return reference === undefined ? value : (this.resolve(reference) as T);
  }
}

/** Stricter than the document, which lets answers grow: here a field that it doesn't tell of is a fault. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const schema = Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, key === "allOf" || key === "examples" ? entry : closed(entry)]),
  );
  const isOpen = schema["type"] === "object" && schema["properties"] && schema["additionalProperties"] === undefined;
  return isOpen ? { ...schema, additionalProperties: false } : schema;
}

/** References into the document, from outside of it. */
function absolute(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"$ref":"#/', '"$ref":"openapi#/'));
}
