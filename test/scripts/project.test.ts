import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectFolder, projectVersion, readWorkerSettings } from "../../scripts/project.ts";

describe("wrangler.toml", () => {
  const toml = readFileSync(join(projectFolder, "wrangler.toml"), "utf8");

  it("says the version that package.json says", () => {
    expect(/^VOIDVM_VERSION = "(.*)"$/m.exec(toml)?.[1]).toBe(projectVersion);
  });

  it("tells the local edge its date and flags", () => {
    const { compatibilityDate, compatibilityFlags } = readWorkerSettings();
    expect(compatibilityDate).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(compatibilityFlags).toContain("nodejs_compat");
  });

  it("allows no default administrator on Cloudflare", () => {
    expect(toml).toMatch(/^VOIDVM_DEFAULT_ADMIN = "refused"$/m);
  });
});
