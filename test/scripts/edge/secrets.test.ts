import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSecrets } from "../../../scripts/edge/secrets.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "voidvm-secrets-"));
});
afterEach(() => rmSync(home, { recursive: true }));

describe("the secrets", () => {
  it("are made once, for their user alone", async () => {
    const first = await readSecrets(home);

    expect(first.VOIDVM_JWT_KEYS).toMatch(/^k1:[\w-]{43}$/);
    expect(await readSecrets(home)).toEqual(first);
    expect(statSync(join(home, "secrets.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(home)).toEqual(["secrets.json"]);
  });

  it("are the same for two starts that make them at the same time", async () => {
    const [one, other] = await Promise.all([readSecrets(home), readSecrets(home)]);
    expect(one).toEqual(other);
  });

  it.each(['{"VOIDVM_JWT_KEYS":""}', '{"VOIDVM_JWT_KEYS":"k1:short"}', "{}"])(
    "that read %s are refused, not replaced",
    async (text) => {
      writeFileSync(join(home, "secrets.json"), text);
      await expect(readSecrets(home)).rejects.toThrow("no usable VOIDVM_JWT_KEYS");
    },
  );
});
