/** Every message that people read, in both languages. */
import { describe, expect, it } from "vitest";
import { errorTable, operationErrors } from "../../protocol/errors.ts";
import { permissions, roles } from "../../protocol/permissions.ts";

const tables = { errorTable, operationErrors, permissions, roles };
const messages = Object.entries(tables).flatMap(([table, entries]) =>
  Object.entries(entries).map(([name, { zh, en }]) => ({ name: `${table}.${name}`, zh, en })),
);

describe("every message", () => {
  it.each(messages)("$name has words in Chinese and in English", ({ zh, en }) => {
    expect(zh).toMatch(/\p{Script=Han}/u);
    expect(en).toMatch(/[a-z]/i);
    expect(en).not.toMatch(/\p{Script=Han}/u);
    expect([zh, en]).toEqual([zh.trim(), en.trim()]);
  });

  it.each(["zh", "en"] as const)("in %s is one that no other code has", (language) => {
    const seen = Object.values(errorTable).map((entry) => entry[language]);
    expect(seen).toHaveLength(new Set(seen).size);
  });
});
