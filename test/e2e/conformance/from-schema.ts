/** Inputs made from a JSON schema: what it takes, its bounds among them, and what it must not take. */
import fc from "fast-check";

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly propertyNames?: JsonSchema;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
}

/** Long ones are sent elsewhere: these are many. */
const longest = 64;
const mostItems = 3;

export class FromSchema {
  readonly #resolve: (reference: string) => JsonSchema;

  constructor(resolve: (reference: string) => JsonSchema) {
    this.#resolve = resolve;
  }

  /** What the schema takes. fast-check itself leans to the bounds. */
  valid(schema: JsonSchema): fc.Arbitrary<unknown> {
    if (schema.$ref) return this.valid(this.#resolve(schema.$ref));
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map((choice) => this.valid(choice)));
    switch (schema.type) {
      case "object":
        return this.#object(schema);
      case "array":
        return fc.array(this.valid(schema.items ?? {}), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? mostItems, mostItems),
        });
      case "string":
        return text(schema);
      case "integer":
        return fc.integer({ min: schema.minimum ?? -1000, max: Math.min(schema.maximum ?? 1000, 2 ** 31 - 1) });
      case "number":
        return fc.double({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1000, noNaN: true });
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      default:
        return fc.jsonValue({ maxDepth: 1 });
    }
  }

  /** Each is wrong in one place, which must be a 400. */
  invalid(schema: JsonSchema): fc.Arbitrary<unknown> {
    const resolved = schema.$ref ? this.#resolve(schema.$ref) : schema;
    const { properties = {}, required = [] } = resolved;
    const whole = this.valid(resolved) as fc.Arbitrary<Record<string, unknown>>;
    const wrongs: fc.Arbitrary<unknown>[] = [
      fc
        .tuple(whole, fc.constantFrom("colour", "ownerId2", "$where", "constructor2"), fc.jsonValue())
        .map(([object, key, value]) => ({ ...object, [key]: value })),
      fc.constantFrom<unknown>(null, [], "text", 1, true, [[]]),
    ];
    if (required.length > 0) {
      wrongs.push(
        fc.tuple(whole, fc.constantFrom(...required)).map(([object, key]) => {
          const { [key]: _, ...rest } = object;
          return rest;
        }),
      );
    }
    for (const [name, property] of Object.entries(properties)) {
      const bad = this.#wrongValues(property);
      if (bad.length > 0) {
        wrongs.push(fc.tuple(whole, fc.constantFrom(...bad)).map(([object, value]) => ({ ...object, [name]: value })));
      }
    }
    return fc.oneof(...wrongs);
  }

  #object(schema: JsonSchema): fc.Arbitrary<unknown> {
    const { properties = {}, required = [], additionalProperties } = schema;
    const known = fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, this.valid(property)])),
      { requiredKeys: [...required] },
    );
    if (typeof additionalProperties !== "object" || Object.keys(properties).length > 0) return known;
    const keys = this.valid(schema.propertyNames ?? { type: "string", maxLength: 20 }) as fc.Arbitrary<string>;
    return fc.dictionary(keys, this.valid(additionalProperties), { maxKeys: mostItems });
  }

  /** Out of bounds, of another type, and what has broken others. */
  #wrongValues(property: JsonSchema): unknown[] {
    const schema = property.$ref ? this.#resolve(property.$ref) : property;
    switch (schema.type) {
      case "integer":
        return [
          ...(schema.minimum === undefined ? [] : [schema.minimum - 1]),
          ...(schema.maximum === undefined ? [] : [schema.maximum + 1]),
          ...[1.5, 1e308, -1e308, "4", "", null, [], {}],
        ];
      case "string":
        return [
          ...(schema.maxLength === undefined ? [] : ["x".repeat(schema.maxLength + 1)]),
          ...(schema.pattern === undefined ? [] : hostileTexts.filter((value) => !matches(schema.pattern, value))),
          ...(schema.enum ? ["nothing of these"] : []),
          ...[4, null, true, {}, ["a"]],
        ];
      case "boolean":
        return ["true", 1, 0, null, {}];
      case "array":
        return ["a", {}, null, 4];
      case "object":
        return [[], "a", null, 4];
      default:
        return [];
    }
  }
}

export const hostileTexts = [
  "",
  "\u0000",
  "a\u0000b",
  "\u202eabc",
  "../../etc/passwd",
  "a,readonly=off",
  "$(reboot)",
  "' OR 1=1 --",
  "x".repeat(10_240),
  "\ud800",
  "\n",
  "💥",
];

function text({ pattern, format, minLength = 0, maxLength = longest }: JsonSchema): fc.Arbitrary<string> {
  if (format === "date-time") {
    const [min, max] = [new Date("2000-01-01"), new Date("2100-01-01")];
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  if (format === "email") return fc.constantFrom("a@example.org", "b.c+d@sub.example.com");
  if (format === "uri") return fc.constantFrom("https://example.org/a.qcow2", "http://10.0.0.1/a", "https://[::1]/b");
  if (pattern === undefined)
    return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, longest)) });
  try {
    return fc.stringMatching(new RegExp(pattern), { size: "-1" }).filter((value) => value.length <= maxLength);
  } catch {
    return fc.constantFrom("a", "b-1");
  }
}

function matches(pattern: string | undefined, value: string): boolean {
  return pattern !== undefined && new RegExp(pattern, "u").test(value);
}
