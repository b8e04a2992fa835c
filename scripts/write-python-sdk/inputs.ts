/** inputs.py: what the API takes, as typed dictionaries in the API's own spelling. */
import type { JsonSchema, NamedSchemas } from "./document.ts";
import { comment, fold, importLine, pascal, typeOf } from "./python.ts";

const opening = `"""What the API takes, spelt as it spells it.

Made from the API's own schemas by \`node scripts/write-python-sdk.ts\`; a test keeps it so.
"""

from __future__ import annotations

from typing import Dict, List, Literal, Optional, TypedDict
`;

/** `answers`: what models.py has. Words that both choose from are named there. */
export function inputsModule(schemas: NamedSchemas, answers: NamedSchemas): string {
  const classes = Object.entries(schemas).flatMap(([name, schema]) =>
    schema.properties && !isEmpty(schema) ? [`\n${inputClass(name, schema)}`] : [],
  );
  const words = new Set(classes.join().match(/\b[A-Z]\w+/g));
  const shared = Object.keys(answers).filter((name) => answers[name]?.enum && words.has(name));
  return [`${opening}\n${importLine(".models", shared)}\n`, ...classes].join("\n");
}

/** A body of which nothing can be said. */
export function isEmpty({ type, properties }: JsonSchema): boolean {
  return type === "object" && Object.keys(properties ?? {}).length === 0;
}

/** Python 3.9 knows which keys are needed by the class that they stand in. */
function inputClass(name: string, schema: JsonSchema): string {
  const inner: string[] = [];
  const fields = Object.entries(schema.properties ?? {}).map(([key, property]) => {
    const type = typeOf(property, (nested) => {
      const nestedName = name + pascal(key);
      inner.push(inputClass(nestedName, nested));
      return nestedName;
    });
    const lines = [...comment(property.description, "    "), fold(`${key}: ${type}`, "    ")];
    return { lines, isNeeded: schema.required?.includes(key) ?? false };
  });
  const linesOf = (isNeeded: boolean) => fields.flatMap((field) => (field.isNeeded === isNeeded ? field.lines : []));
  const [needed, others] = [linesOf(true), linesOf(false)];
  const classes =
    needed.length > 0 && others.length > 0
      ? [
          [`class _${name}Needed(TypedDict):`, ...needed],
          [`class ${name}(_${name}Needed, total=False):`, ...others],
        ]
      : [[`class ${name}(TypedDict${needed.length > 0 ? "" : ", total=False"}):`, ...needed, ...others]];
  return [...inner, ...classes.map((lines) => `${lines.join("\n")}\n`)].join("\n\n");
}
