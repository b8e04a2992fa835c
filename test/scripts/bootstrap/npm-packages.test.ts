import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { installNpmPackages, npmPackagesAreCurrent } from "../../../scripts/bootstrap/npm-packages.mjs";

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "voidvm-npm-"));
  writeFileSync(join(project, "package.json"), "{}");
  writeFileSync(join(project, "package-lock.json"), "{}");
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(project, { recursive: true });
});

/** An npm that brings a `node`, or runs something else. */
function provideNpm(script = bringsNode): void {
  const bin = join(project, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "npm"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, "npm"), 0o755);
  vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
  vi.stubEnv("npm_execpath", undefined);
}

const bringsNode = `
echo "$*" > arguments
mkdir -p node_modules/.bin
printf '#!/bin/sh\\necho v24.0.0\\n' > node_modules/.bin/node
chmod 755 node_modules/.bin/node`;

describe("the npm packages", () => {
  it("are current after an installation", () => {
    provideNpm();
    expect(npmPackagesAreCurrent(project)).toBe(false);
    installNpmPackages(project);
    expect(npmPackagesAreCurrent(project)).toBe(true);
  });

  it.each(["package.json", "package-lock.json"])("are stale when %s changes", (name) => {
    provideNpm();
    installNpmPackages(project);
    writeFileSync(join(project, name), '{"changed": true}');
    expect(npmPackagesAreCurrent(project)).toBe(false);
  });

  it("are stale after an installation that was interrupted", () => {
    provideNpm(`${bringsNode}\nexit 130`);
    expect(() => installNpmPackages(project)).toThrow("npm install failed");
    expect(npmPackagesAreCurrent(project)).toBe(false);
  });

  it("are told to be unusable where their Node does not run", () => {
    provideNpm(
      "mkdir -p node_modules/.bin; printf '#!/bin/sh\\nexit 1\\n' > node_modules/.bin/node; chmod 755 node_modules/.bin/node",
    );
    expect(() => installNpmPackages(project)).toThrow("install script of the package 'node'");
  });

  it("come with npm's own words when it fails", () => {
    provideNpm('echo "npm error code ENOTFOUND" >&2; exit 1');
    expect(() => installNpmPackages(project)).toThrow("npm error code ENOTFOUND");
  });
});
