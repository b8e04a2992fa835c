/** Writes the table of docs/clients.md from sdk/methods.json, so that it says what the tests hold methods and commands to. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./project.ts";

const file = join(projectFolder, "docs/clients.md");

interface MethodList {
  readonly methods: readonly {
    readonly route: string;
    readonly typescript: string | null;
    readonly python: string | null;
    readonly command: string | null;
  }[];
  /** Routes that no method stands for, with why. */
  readonly without: Readonly<Record<string, string>>;
  /** Commands that no method stands for, with what they are. */
  readonly commands: Readonly<Record<string, string>>;
}

export const methodList = JSON.parse(readFileSync(join(projectFolder, "sdk/methods.json"), "utf8")) as MethodList;

export function clientsPage(): string {
  const code = (text: string | null) => (text === null ? "–" : `\`${text}\``);
  const rows = methodList.methods.map(
    ({ route, typescript, python, command }) =>
      `| ${code(open(route))} | ${code(typescript)} | ${code(python)} | ${code(command)} |`,
  );
  const others = Object.entries(methodList.without).map(([route, why]) => `| ${code(open(route))} | ${why} |`);
  const commands = Object.entries(methodList.commands).map(([command, what]) => `| ${code(command)} | ${what} |`);
  return `# Methods, routes, commands

Made from sdk/methods.json by \`node scripts/write-clients-page.ts\`; tests hold it to what is there: the API's routes, the methods of both
SDKs, the commands. How each is used: [TypeScript](sdk-typescript.md), [Python](sdk-python.md), [command line](cli.md).

\`client.\` stands before each method, \`voidvm\` before each command.

| route | TypeScript | Python | command |
| --- | --- | --- | --- |
${rows.join("\n")}

Commands beside these:

| command | what |
| --- | --- |
${commands.join("\n")}

Routes that no method stands for:

| route | why |
| --- | --- |
${others.join("\n")}
`;
}

/** As people write it. */
function open(route: string): string {
  return route.replaceAll(/:(\w+)/g, "{$1}");
}

export function isCurrent(): boolean {
  return readFileSync(file, "utf8") === clientsPage();
}

if (import.meta.main) writeFileSync(file, clientsPage());
