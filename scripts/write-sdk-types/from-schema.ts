/** TypeScript from the JSON schemas that zod makes; a form that it doesn't make is refused, never guessed. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
}

/** An interface where it is an object, a type where it is anything else. */
export function declaration(name: string, schema: JsonSchema): string {
  const comment = schema.description === undefined ? "" : `/** ${schema.description} */\n`;
  const type = typeOf(schema);
  return schema.type === "object" && type.startsWith("{")
    ? `${comment}export interface ${name} ${type}`
    : `${comment}export type ${name} = ${type};`;
}

export function typeOf(schema: JsonSchema, indent = ""): string {
  const { $ref, allOf, type } = schema;
  const anyOf = schema.anyOf ?? schema.oneOf;
  if ($ref !== undefined) return $ref.slice($ref.lastIndexOf("/") + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (anyOf) return [...new Set(anyOf.map((one) => typeOf(one, indent)))].join(" | ");
  if (allOf) return allOf.map((one) => `(${typeOf(one, indent)})`).join(" & ");
  if (typeof type === "object") return type.map((one) => typeOf({ ...schema, type: one }, indent)).join(" | ");
  switch (type) {
    case "object":
      return objectType(schema, indent);
    case "array": {
      const item = typeOf(schema.items ?? {}, indent);
      return item.includes(" ") && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
    }
    case "integer":
      return "number";
    case "string":
    case "number":
    case "boolean":
    case "null":
      return type;
    case undefined:
      return "unknown";
    default:
      throw new Error(`A schema of a form that is not known here: ${JSON.stringify(schema)}`);
  }
}

function objectType({ properties = {}, required = [], additionalProperties }: JsonSchema, indent: string): string {
  const deeper = `${indent}  `;
  const fields = Object.entries(properties).map(([name, schema]) => {
    const comment = schema.description === undefined ? "" : `${deeper}/** ${schema.description} */\n`;
    const optional = required.includes(name) ? "" : "?";
    // Callers with exactOptionalPropertyTypes may hand on what they don't have.
    const type = `${typeOf(schema, deeper)}${optional === "" ? "" : " | undefined"}`;
    return `${comment}${deeper}${/^\w+$/.test(name) ? name : JSON.stringify(name)}${optional}: ${type};`;
  });
  if (typeof additionalProperties === "object" && fields.length === 0)
    return `Record<string, ${typeOf(additionalProperties, indent)}>`;
  return fields.length === 0 ? "Record<string, never>" : `{\n${fields.join("\n")}\n${indent}}`;
}
