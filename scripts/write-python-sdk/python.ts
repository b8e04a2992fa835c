/** Python's spelling: names, types as `typing` writes them for Python 3.9, comments and docstrings within 100 columns. */
import { choiceName, type JsonSchema, referenceName, resolve } from "./document.ts";

export const columns = 100;

const keywords = new Set(["class", "def", "from", "global", "import", "in", "is", "lambda", "pass", "return", "with"]);

/** `hostId` → `host_id`. The SDK goes the way back by rule, so a name that would not survive it is refused here. */
export function snake(name: string): string {
  const text = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (
    !/^[a-z][a-z0-9_]*$/.test(text) ||
    text.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) !== name
  )
    throw new Error(`'${name}' has no name in Python`);
  return keywords.has(text) ? `${text}_` : text;
}

/** `vmId` → `VmId`. */
export function pascal(name: string): string {
  return (
    name.charAt(0).toUpperCase() + name.slice(1).replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  );
}

export function optional(type: string): string {
  return type === "Any" || type.startsWith("Optional[") ? type : `Optional[${type}]`;
}

/** `nested` names the class of an object that stands inside of another. A form that is not known is refused, never guessed. */
export function typeOf(schema: JsonSchema, nested: (schema: JsonSchema) => string): string {
  const { $ref, type, anyOf, items, additionalProperties } = schema;
  if ($ref !== undefined) {
    const target = resolve(schema);
    return target.properties || target.enum ? referenceName($ref) : typeOf(target, nested);
  }
  if (schema.const !== undefined) return `Literal[${JSON.stringify(schema.const)}]`;
  if (schema.enum) return choiceName(schema.enum) ?? literal(schema.enum);
  if (anyOf) return union(anyOf.map((one) => typeOf(one, nested)));
  if (typeof type === "object") return union(type.map((one) => typeOf({ ...schema, type: one }, nested)));
  if (type === "object" && schema.properties) return nested(schema);
  switch (type) {
    case "object":
      return `Dict[str, ${typeof additionalProperties === "object" ? typeOf(additionalProperties, nested) : "Any"}]`;
    case "array":
      return `List[${typeOf(items ?? {}, nested)}]`;
    case "integer":
      return "int";
    case "number":
      return "float";
    case "string":
      return "str";
    case "boolean":
      return "bool";
    case "null":
      return "None";
    case undefined:
      if (Object.keys(schema).every((key) => key === "description")) return "Any";
  }
  throw new Error(`A schema of a form that is not known here: ${JSON.stringify(schema)}`);
}

export function literal(values: readonly string[]): string {
  return `Literal[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

/** A name for a choice of words. */
export function choice(name: string, { enum: words = [] }: JsonSchema): string {
  return `${fold(`${name} = ${literal(words)}`, "")}\n`;
}

function union(types: readonly string[]): string {
  const some = [...new Set(types)].filter((type) => type !== "None");
  const [only = "None"] = some;
  const type = some.length > 1 ? `Union[${some.join(", ")}]` : only;
  return types.includes("None") ? optional(type) : type;
}

/** A line, or where that is too long the same with what stands in its outermost brackets on lines of their own. */
export function fold(line: string, indent: string): string {
  if (indent.length + line.length <= columns) return `${indent}${line}`;
  const open = line.indexOf("[");
  const close = line.lastIndexOf("]");
  if (open < 0 || close < open) return `${indent}${line}`;
  const parts = splitOutside(line.slice(open + 1, close)).map((part) => `${fold(part, `${indent}    `)},`);
  return [`${indent}${line.slice(0, open + 1)}`, ...parts, `${indent}${line.slice(close)}`].join("\n");
}

/** At the commas that stand in no bracket. */
function splitOutside(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of text) {
    depth += Number("[({".includes(character)) - Number("])}".includes(character));
    if (character === "," && depth === 0) parts.push("");
    else parts.push((parts.pop() ?? "") + character);
  }
  return parts.map((part) => part.trim());
}

export function importLine(module: string, names: readonly string[]): string {
  const sorted = [...new Set(names)].toSorted();
  const flat = `from ${module} import ${sorted.join(", ")}`;
  return flat.length <= columns ? flat : `from ${module} import (\n${sorted.map((name) => `    ${name},\n`).join("")})`;
}

export function comment(text: string | undefined, indent: string): string[] {
  return text === undefined ? [] : wrap(text, columns - indent.length - 3).map((line) => `${indent}#: ${line}`);
}

export function docstring(paragraphs: readonly string[], indent: string): string[] {
  const [first = "", ...rest] = paragraphs.filter((text) => text !== "");
  if (rest.length === 0 && first.length + indent.length + 6 <= columns) return [`${indent}"""${first}"""`];
  const lines = [first, ...rest].flatMap((text, index) => [
    ...(index > 0 ? [""] : []),
    ...wrap(`${index === 0 ? '"""' : ""}${text}`, columns - indent.length).map((line) => `${indent}${line}`),
  ]);
  return [...lines, `${indent}"""`];
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) as string;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
