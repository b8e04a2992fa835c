/** _methods.py and _async_methods.py: a class a resource. They differ in how a call is carried out, and in nothing else. */
import {
  answerSchemas,
  type DocumentedCall,
  inputSchemas,
  type JsonSchema,
  referenceName,
  resolve,
} from "./document.ts";
import { isEmpty } from "./inputs.ts";
import { columns, docstring, fold, importLine, optional, pascal, snake, typeOf } from "./python.ts";

export type Style = "blocking" | "asynchronous";

interface Call {
  readonly callee: string;
  readonly args: readonly string[];
}

interface Argument {
  readonly text: string;
  readonly isOption?: boolean;
}

const options = {
  wait: "wait: Union[bool, float] = False",
  onProgress: "on_progress: Optional[OnProgress] = None",
  idempotencyKey: "idempotency_key: Optional[str] = None",
  ifMatch: "if_match: Optional[str] = None",
};

export function methodsModule(calls: readonly DocumentedCall[], style: Style): string {
  const classes = [...Map.groupBy(calls, ({ resource }) => resource)].map(([resource, some]) => {
    const methods = some.map((call) => method(call, style));
    return [`class ${className(resource, style)}(Resource):`, ...methods].join("\n\n").replace("\n\n", "\n");
  });
  return `${[header(classes.join("\n"), calls, style), ...classes].join("\n\n\n")}\n`;
}

function className(resource: string, style: Style): string {
  return `${style === "blocking" ? "" : "Async"}${pascal(resource)}Resource`;
}

function method(documented: DocumentedCall, style: Style): string {
  const { resource, name, summary, description } = documented;
  if (name === "iterate") return iterateMethod(documented, style);
  if (`${resource}.${name}` === "operations.wait") return waitMethod(documented, style);
  const type = answerType(documented);
  const body = bodyOf(documented);
  const ids: Argument[] = pathNames(documented).map((id) => ({ text: `${id}: str` }));
  const others = [...queryArguments(documented), ...optionArguments(documented)];
  const define = (own: readonly Argument[], result: string) => definition(name, [...ids, ...own], result, style);
  const carriedOut = [
    ...docstring([`${summary}.`, description, waitNote(documented)], "        "),
    carry(expression(documented, type), style, type),
  ].join("\n");
  if (!body) return `${define(others, `${type}:`)}\n${carriedOut}`;

  const fields = body.fields.map(({ key, type: field, isNeeded }) => ({
    text: `${snake(key)}: ${field}${isNeeded ? "" : " = ..."}`,
    isOption: true,
  }));
  const given = { text: "**given: Any", isOption: true };
  return [
    `    @overload\n${define([{ text: `body: ${body.name}` }, ...others], `${type}: ...`)}`,
    `    @overload\n${define([...fields, ...others], `${type}: ...`)}`,
    `${define([{ text: `body: Optional[${body.name}] = None` }, ...others, given], `${type}:`)}\n${carriedOut}`,
  ].join("\n\n");
}

function iterateMethod(documented: DocumentedCall, style: Style): string {
  const { key, model } = listOf(documented);
  const args = ["self._http", `"${documented.path}"`, `"${key}"`, model, queryText(documented)];
  const isBlocking = style === "blocking";
  return [
    `    def iterate(\n${argumentLines(queryArguments(documented))}    ) -> ${isBlocking ? "Drained" : "Pages"}[${model}]:`,
    ...docstring([`${documented.summary}: all of them, page by page, however many there are.`], "        "),
    isBlocking ? call("return Drained(Pages", args, ")") : call("return Pages", args),
  ].join("\n");
}

function waitMethod({ name }: DocumentedCall, style: Style): string {
  const own = ["id: str", "*", "timeout: Optional[float] = None", options.onProgress].map((text) => ({ text }));
  return [
    definition(name, own, "Operation:", style),
    ...docstring(
      [
        "Wait until an operation has succeeded.",
        "Raises what it failed with where it has not, and TIMEOUT after `timeout` seconds; it goes on behind that.",
      ],
      "        ",
    ),
    carry({ callee: "until_end", args: ["self._http", "id", "timeout", "on_progress"] }, style, "Operation"),
  ].join("\n");
}

/** What does it. `act` and `change` wait for the operation where the caller wants that. */
function expression(documented: DocumentedCall, type: string): Call {
  const { resource, name, method, form, query, waits, repeatable, conditional } = documented;
  const body = bodyOf(documented);
  const address = documented.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => `{segment(${snake(key)})}`);
  const path = address === documented.path ? `"${address}"` : `f"${address}"`;
  const input = body ? [`fields(${body.name}, body, given)`] : [];
  switch (`${resource}.${name}`) {
    case "auth.login":
    case "auth.refresh":
      return { callee: "self._http.log_in", args: [path, ...input] };
    case "auth.logout":
      return { callee: "self._http.log_out", args: [] };
  }
  if (isList(documented)) {
    const { key, model } = listOf(documented);
    return { callee: "self._http.page", args: [path, `"${key}"`, model, queryText(documented)] };
  }
  const parse = { envelope: type, bare: "json_object", text: "str", nothing: "nothing" }[form];
  const what = [`"${method}"`, path, parse];
  const keywords = [
    ...(query.length > 0 ? [`query=${queryText(documented)}`] : []),
    ...input.map((one) => `body=${one}`),
    ...(form === "envelope" || form === "nothing" ? [] : ["bare=True"]),
    ...(documented.isOpen ? ["open=True"] : []),
    ...(repeatable ? ["idempotency_key=idempotency_key"] : []),
    ...(conditional ? ["if_match=if_match"] : []),
  ];
  if (!waits) return { callee: "self._http.call", args: [...what, ...keywords] };
  const callee = type === "VmOperation" ? "act" : "change";
  return { callee, args: ["self._http", ...what, "wait", "on_progress", ...keywords] };
}

/** On one line, or with each argument on a line of its own. */
function carry({ callee, args }: Call, style: Style, type: string): string {
  const [open, close] = style === "blocking" ? ["run(", ")"] : ["await ", ""];
  return call(`${type === "None" ? "" : "return "}${open}${callee}`, args, close);
}

function call(callee: string, args: readonly string[], close = ""): string {
  const flat = `        ${callee}(${args.join(", ")})${close}`;
  if (flat.length <= columns) return flat;
  const lines = args.map((one) => argumentText(one, "            "));
  return [`        ${callee}(`, ...lines, `        )${close}`].join("\n");
}

function argumentText(text: string, indent: string): string {
  const open = text.indexOf("{");
  if (indent.length + text.length < columns || open < 0) return `${indent}${text},`;
  const entries = text.slice(open + 1, -1).split(", ");
  return [`${indent}${text.slice(0, open + 1)}`, ...entries.map((one) => `${indent}    ${one},`), `${indent}},`].join(
    "\n",
  );
}

function definition(name: string, own: readonly Argument[], result: string, style: Style): string {
  const define = style === "blocking" ? "def" : "async def";
  const flat = `    ${define} ${name}(${["self", ...separated(own)].join(", ")}) -> ${result}`;
  if (flat.length <= columns) return flat;
  return `    ${define} ${name}(\n${argumentLines(own)}    ) -> ${result}`;
}

function argumentLines(own: readonly Argument[]): string {
  return ["self", ...separated(own)].map((text) => `${fold(text, "        ")},\n`).join("");
}

/** What is optional can be given by name only. */
function separated(own: readonly Argument[]): string[] {
  const first = own.filter(({ isOption }) => !isOption).map(({ text }) => text);
  const named = own.filter(({ isOption }) => isOption).map(({ text }) => text);
  return named.length > 0 && !(named.length === 1 && named[0]?.startsWith("**"))
    ? [...first, "*", ...named]
    : [...first, ...named];
}

function pathNames({ path }: DocumentedCall): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => snake(name as string));
}

function queryArguments(call: DocumentedCall): Argument[] {
  return call.query
    .filter(({ name }) => !(call.name === "iterate" && name === "page"))
    .map(({ name, schema }) => ({ text: `${snake(name)}: ${optional(queryType(schema))} = None`, isOption: true }));
}

function queryText(call: DocumentedCall): string {
  const names = call.query.map(({ name }) => name).filter((name) => !(call.name === "iterate" && name === "page"));
  return `{${names.map((name) => `"${name}": ${snake(name)}`).join(", ")}}`;
}

function queryType(schema: JsonSchema): string {
  if (isTruth(schema)) return "bool";
  return typeOf(schema, refuse);
}

function isTruth({ enum: choices }: JsonSchema): boolean {
  return choices?.toSorted().join() === "false,true";
}

function optionArguments({ waits, repeatable, conditional }: DocumentedCall): Argument[] {
  const texts = [
    ...(waits ? [options.wait, options.onProgress] : []),
    ...(repeatable ? [options.idempotencyKey] : []),
    ...(conditional ? [options.ifMatch] : []),
  ];
  return texts.map((text) => ({ text, isOption: true }));
}

function bodyOf({ body }: DocumentedCall) {
  if (!body || isEmpty(resolve(body))) return null;
  const name = referenceName(body.$ref ?? "");
  const { properties = {}, required = [] } = resolve(body);
  const fields = Object.entries(properties).map(([key, schema]) => ({
    key,
    type: typeOf(schema, () => name + pascal(key)),
    isNeeded: required.includes(key),
  }));
  return { name, fields };
}

function isList({ data }: DocumentedCall): boolean {
  return data !== null && "pagination" in (resolve(data).properties ?? {});
}

function listOf({ data }: DocumentedCall): { key: string; model: string } {
  const [key = "", schema] =
    Object.entries(resolve(data ?? {}).properties ?? {}).find(([, { items }]) => items !== undefined) ?? [];
  return { key, model: referenceName(schema?.items?.$ref ?? "") };
}

function answerType(call: DocumentedCall): string {
  if (call.form === "nothing") return "None";
  if (call.form === "text") return "str";
  if (call.form === "bare") return "Dict[str, Any]";
  return isList(call) ? `Page[${listOf(call).model}]` : referenceName(call.data?.$ref ?? "");
}

function waitNote({ waits }: DocumentedCall): string {
  return waits
    ? "With `wait=True` it returns once the operation has succeeded, and raises what it failed with; a number says for how many seconds at most. `on_progress` is called with the operation whenever it gets further."
    : "";
}

/** Imports what the module uses, and nothing else. */
function header(text: string, calls: readonly DocumentedCall[], style: Style): string {
  const words = new Set(text.match(/\b[A-Za-z_]\w+/g));
  const from = (module: string, names: readonly string[]) => {
    const used = names.filter((name) => words.has(name));
    return used.length === 0 ? [] : [importLine(module, used)];
  };
  const answers = answerSchemas(calls);
  const bodies = Object.keys(inputSchemas(calls));
  const inputs = [...words].filter((word) => !(word in answers) && bodies.some((body) => word.startsWith(body)));
  return [
    `"""The API's methods, ${style}.\n\nMade from the API's own schemas by \`node scripts/write-python-sdk.ts\`; a test keeps it so.\n"""`,
    "",
    "from __future__ import annotations",
    "",
    ...from("typing", ["Any", "Dict", "List", "Literal", "Optional", "Union", "overload"]),
    "",
    ...from("._page", ["Page", "Pages"]),
    ...from("._resource", ["Resource", "fields", "json_object", "nothing", "segment"]),
    ...(style === "blocking" ? from("._run", ["Drained", "run"]) : []),
    ...from("._waiting", ["OnProgress", "act", "change", "until_end"]),
    ...from(".inputs", inputs),
    ...from(".models", Object.keys(answers)),
  ].join("\n");
}

function refuse(schema: JsonSchema): never {
  throw new Error(`Not a type of a query: ${JSON.stringify(schema)}`);
}
