/** models.py: what the API answers, as dictionaries whose keys are attributes too. */
import type { JsonSchema, NamedSchemas } from "./document.ts";
import { choice, columns, comment, fold, literal, optional, pascal, snake, typeOf } from "./python.ts";

const opening = `"""What the API answers.

Made from the API's own schemas by \`node scripts/write-python-sdk.ts\`; a test keeps it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Union, overload

from ._model import Model
`;

/** An attribute of such a name would hide what every dictionary has. */
const dictionaryNames = new Set(["clear", "copy", "etag", "get", "items", "keys", "pop", "update", "values"]);

export function modelsModule(schemas: NamedSchemas): string {
  const entries = Object.entries(schemas);
  const choices = entries.filter(([, schema]) => schema.enum);
  const lists = ({ properties = {} }: JsonSchema) => "pagination" in properties;
  const classes = entries.filter(([, schema]) => schema.properties && !lists(schema));
  return [
    opening,
    ...choices.map(([name, schema]) => choice(name, schema)),
    ...classes.map(([name, schema]) => `\n${modelClass(name, schema)}`),
  ].join("\n");
}

/** Classes of objects inside of it come first, since \`Optional[…]\` is read when the first answer arrives. */
function modelClass(name: string, schema: JsonSchema): string {
  const inner: string[] = [];
  const fields = Object.entries(schema.properties ?? {}).map(([key, property]) => {
    if (dictionaryNames.has(snake(key)))
      throw new Error(`${name}.${key} has the name of something that every dict has`);
    const type = typeOf(property, (nested) => {
      const nestedName = name + pascal(key);
      inner.push(modelClass(nestedName, nested));
      return nestedName;
    });
    const isThere = schema.required?.includes(key) ?? false;
    return { key, type: isThere ? type : optional(type), description: property.description };
  });
  const lines = fields.flatMap(({ key, type, description }) => [
    ...comment(description, "    "),
    fold(`${snake(key)}: ${type}`, "    "),
  ]);
  const text = [`class ${name}(Model):`, ...lines, "", ...typedAccess(fields), ""].join("\n");
  return [...inner, text].join("\n\n");
}

/** What \`vm["id"]\` is, for type checkers. */
function typedAccess(fields: readonly { key: string; type: string }[]): string[] {
  const byType = Map.groupBy(fields, ({ type }) => type);
  const known = [...byType].map(([type, some]) => overload(literal(some.map(({ key }) => key)), type));
  const all = [...known, overload("str", "Any"), "\n        def __getitem__(self, key: str) -> Any: ..."];
  return ["    if TYPE_CHECKING:", all.join("\n")];
}

function overload(key: string, type: string): string {
  const line = `        def __getitem__(self, key: ${key}) -> ${type}: ...`;
  if (line.length <= columns) return `\n        @overload\n${line}`;
  return `\n        @overload\n        def __getitem__(\n            self,\n${fold(`key: ${key}`, "            ")},\n${fold(`) -> ${type}: ...`, "        ")}`;
}
