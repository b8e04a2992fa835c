/**
 * Writes what the Python SDK has to know of the API: its models, its inputs, and its methods, blocking and asynchronous.
 *
 * They are made from the OpenAPI document and the schemas of the sockets, with the names that sdk/methods.json gives, so
 * the two clients have the same surface and can't say anything else than the API.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./project.ts";
import { answerSchemas, documentedCalls, inputSchemas } from "./write-python-sdk/document.ts";
import { constantsModule } from "./write-python-sdk/constants.ts";
import { inputsModule } from "./write-python-sdk/inputs.ts";
import { methodsModule } from "./write-python-sdk/methods.ts";
import { modelsModule } from "./write-python-sdk/models.ts";

const folder = join(projectFolder, "sdk/python/src/voidvm");

export function pythonModules(): Record<string, string> {
  const calls = documentedCalls();
  const answers = answerSchemas(calls);
  return {
    "models.py": modelsModule(answers),
    "inputs.py": inputsModule(inputSchemas(calls), answers),
    "_constants.py": constantsModule(),
    "_methods.py": methodsModule(calls, "blocking"),
    "_async_methods.py": methodsModule(calls, "asynchronous"),
  };
}

/** Those that are not what they would be if they were made now. */
export function staleModules(): string[] {
  return Object.entries(pythonModules()).flatMap(([name, text]) =>
    readFileSync(join(folder, name), "utf8") === text ? [] : [name],
  );
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(pythonModules())) writeFileSync(join(folder, name), text);
}
