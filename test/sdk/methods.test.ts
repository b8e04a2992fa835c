/** sdk/methods.json tells of everything: each route has a method or a reason, each method and each command is in the list. */
import { describe, expect, it } from "vitest";
import type { Command } from "commander";
import { access } from "../../api/access.ts";
import { makeProgram } from "../../cli/program.ts";
import { isCurrent as pageIsCurrent, methodList } from "../../scripts/write-clients-page.ts";
import { isCurrent as typesAreCurrent } from "../../scripts/write-sdk-types.ts";
import { VoidVMClient } from "../../sdk/typescript/src/index.ts";

const present = (names: readonly (string | null)[]) => new Set(names.filter((name) => name !== null));

describe("the list of methods", () => {
  it("has every route, with a method or with why it has none", () => {
    const listed = present([...methodList.methods.map(({ route }) => route), ...Object.keys(methodList.without)]);
    const ofSockets = [...listed].filter((route) => route.startsWith("GET /ws"));
    expect([...listed].toSorted()).toEqual([...new Set([...Object.keys(access), ...ofSockets])].toSorted());
  });

  it("has every method of the TypeScript SDK and no other", () => {
    const listed = present(methodList.methods.map(({ typescript }) => typescript));
    expect([...listed].toSorted()).toEqual(methodsOf(new VoidVMClient()).toSorted());
  });

  it("has every command and no other", () => {
    const listed = present([...methodList.methods.map(({ command }) => command), ...Object.keys(methodList.commands)]);
    expect([...listed].toSorted()).toEqual(commandsOf(makeProgram("0")).toSorted());
  });

  it("is what docs/clients.md shows", () => {
    expect(pageIsCurrent(), "run node scripts/write-clients-page.ts").toBe(true);
  });
});

it("the SDK's types are those of the OpenAPI document", () => {
  expect(typesAreCurrent(), "run node scripts/write-sdk-types.ts").toBe(true);
});

function methodsOf(target: object, prefix = ""): string[] {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(target)).filter((name) => name !== "constructor");
  const resources = Object.entries(target).flatMap(([name, resource]: [string, object]) =>
    methodsOf(resource, `${name}.`),
  );
  return [...own.map((name) => prefix + name), ...resources];
}

function commandsOf(command: Command, prefix = ""): string[] {
  return command.commands.flatMap((one) => {
    if (one.name().startsWith("__")) return [];
    return one.commands.length > 0 ? commandsOf(one, `${prefix}${one.name()} `) : [prefix + one.name()];
  });
}
