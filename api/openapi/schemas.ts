/**
 * From the zod schemas that validate and type the API to `components.schemas`.
 *
 * A schema that protocol exports bears its name there; any other gets its operation's.
 */
import * as z from "zod";
import * as accounts from "../../protocol/accounts.ts";
import * as events from "../../protocol/events.ts";
import * as link from "../../protocol/agent-link.ts";
import * as socket from "../../protocol/client-socket.ts";
import * as config from "../../protocol/config.ts";
import * as operations from "../../protocol/operations.ts";
import * as permissions from "../../protocol/permissions.ts";
import * as records from "../../protocol/records.ts";
import * as rest from "../../protocol/rest.ts";
import * as streams from "../../protocol/streams.ts";
import * as system from "../../protocol/system.ts";
import * as vm from "../../protocol/vm.ts";
import { fieldNotes } from "./field-notes.ts";

export type Json = Record<string, unknown>;

const prefix = "#/components/schemas/";
const exported = new Map<z.ZodType, string>();
for (const module of [
  vm,
  operations,
  rest,
  permissions,
  accounts,
  config,
  records,
  system,
  streams,
  link,
  events,
  socket,
]) {
  for (const [name, value] of Object.entries(module)) if (value instanceof z.ZodType) exported.set(value, name);
}

export class Schemas {
  readonly #answers = z.registry<{ id: string }>();
  readonly #bodies = z.registry<{ id: string }>();

  constructor() {
    for (const [schema, id] of exported) this.#answers.add(schema, { id });
  }

  /** What a client reads. */
  answer(schema: z.ZodType, fallbackName: string): Json {
    if (!this.#answers.has(schema)) this.#answers.add(schema, { id: fallbackName });
    return { $ref: `${prefix}${this.#answers.get(schema)?.id}` };
  }

  /** What a client sends: fields with a default may be left out. */
  body(schema: z.ZodType, fallbackName: string): Json {
    const id = exported.get(schema) ?? fallbackName;
    this.#bodies.add(schema, { id });
    return { $ref: `${prefix}${id}` };
  }

  /** Those that `roots` lead to. */
  reachableFrom(roots: unknown): Record<string, Json> {
    const all = { ...convert(this.#answers, "output"), ...convert(this.#bodies, "input") };
    const found: Record<string, Json> = {};
    const queue = referencesIn(roots);
    for (const name of queue) {
      const schema = all[name];
      if (!schema || name in found) continue;
      found[name] = schema;
      queue.push(...referencesIn(schema));
    }
    return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => a.localeCompare(b)));
  }
}

/** Where it stands and without a name. */
export function inlineSchema(schema: z.ZodType, io: "input" | "output" = "output"): Json {
  return tidy(z.toJSONSchema(schema, { ...conversion, io })) as Json;
}

/** A query's parameters. */
export function queryParameters(schema: z.ZodType): Json[] {
  const { properties = {}, required = [] } = inlineSchema(schema, "input") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: "query",
    ...(required.includes(name) ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
}

const conversion = {
  unrepresentable: "any",
  override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }) {
    // Answers may grow: only what is strict when it validates is closed.
    const { def } = zodSchema._zod;
    if (def.type === "object" && !def.catchall) delete jsonSchema.additionalProperties;
  },
} as const;

function convert(registry: z.core.$ZodRegistry<{ id: string }>, io: "input" | "output"): Record<string, Json> {
  const { schemas } = z.toJSONSchema(registry, { ...conversion, io, uri: (id) => `${prefix}${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, tidy(schema) as Json]));
}

function referencesIn(value: unknown): string[] {
  const found = JSON.stringify(value).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
  return [...found].map(([, name]) => name as string);
}

/** Takes out what zod writes and a reader of the document has no use for, and puts in what fields mean. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== "object" || value === null) return value;
  const schema = value as Json;
  // The only schema that contains itself is that of any JSON value.
  if (typeof schema["$ref"] === "string" && schema["$ref"].includes("__shared")) return {};

  const entries = Object.entries(schema).filter(([key, entry]) => {
    if (key === "$schema" || key === "$id" || key === "~standard") return false;
    if (key === "pattern" && schema["format"] !== undefined) return false;
    if (key === "minimum" && entry === Number.MIN_SAFE_INTEGER) return false;
    if (key === "maximum" && entry === Number.MAX_SAFE_INTEGER) return false;
    return !(key === "propertyNames" && JSON.stringify(entry) === '{"type":"string"}');
  });
  return Object.fromEntries(
    entries.map(([key, entry]) => [key, key === "properties" ? withNotes(entry as Record<string, Json>) : tidy(entry)]),
  );
}

function withNotes(properties: Record<string, Json>): Json {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const note = fieldNotes[name];
      const tidied = tidy(property) as Json;
      return [name, note === undefined || "description" in tidied ? tidied : { description: note, ...tidied }];
    }),
  );
}
