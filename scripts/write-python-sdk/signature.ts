/** How a method is declared: its name, what it takes and what it gives. */
import { columns, fold } from "./python.ts";

export type Style = "blocking" | "asynchronous";

export interface Argument {
  readonly text: string;
  readonly isOption?: boolean;
}

export function definition(name: string, own: readonly Argument[], result: string, style: Style): string {
  const define = style === "blocking" ? "def" : "async def";
  const flat = `    ${define} ${name}(${["self", ...separated(own)].join(", ")}) -> ${result}`;
  if (flat.length <= columns) return flat;
  return `    ${define} ${name}(\n${argumentLines(own)}    ) -> ${result}`;
}

export function argumentLines(own: readonly Argument[]): string {
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
