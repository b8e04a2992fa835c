import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  installPackages,
  missingFor,
  packagesSentence,
  rootPrefix,
} from "../../../scripts/bootstrap/debian-packages.mjs";

/** The only folder on PATH: a machine with nothing but what a test puts there. */
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-path-"));
  vi.stubEnv("PATH", folder);
  for (const program of ["env", "sh", "cat", "sleep"]) symlinkSync(`/bin/${program}`, join(folder, program));
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function provide(name: string, script = "exit 0"): void {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

function as(user: "root" | "somebody"): void {
  vi.spyOn(process as { geteuid: () => number }, "geteuid").mockReturnValue(user === "root" ? 0 : 1000);
}

/** apt-get that writes down how it was called. */
function provideApt(script = "exit 0"): () => string[] {
  provide("apt-get", `echo "$DEBIAN_FRONTEND: $*" >> ${join(folder, "calls")}\n${script}`);
  return () => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
}

const qemu = { package: "qemu-system-x86", provides: "qemu-system-x86_64" };

describe("what is missing", () => {
  it("is all that a start needs where there is nothing", () => {
    expect(missingFor("start").map((need) => need.package)).toEqual(["qemu-system-x86", "qemu-utils", "genisoimage"]);
  });

  it("is nothing where the programs are there, from wherever they come", () => {
    for (const { provides } of missingFor("start")) provide(provides);
    expect(missingFor("start")).toEqual([]);
  });

  it("includes a file that can't be run as a program", () => {
    provide("qemu-img");
    chmodSync(join(folder, "qemu-img"), 0o644);
    expect(missingFor("start").map((need) => need.provides)).toContain("qemu-img");
  });

  it("is more for tests than for a start", () => {
    const start = missingFor("start");
    expect(missingFor("test")).toEqual(expect.arrayContaining(start));
    expect(missingFor("test").map((need) => need.package)).toContain("openssh-client");
  });

  it("is told as one command to run, with sudo for who needs it", () => {
    provideApt();
    as("somebody");
    expect(packagesSentence([qemu])).toContain(
      "sudo apt-get update && sudo apt-get install -y --no-install-recommends qemu-system-x86",
    );
    as("root");
    expect(packagesSentence([qemu])).not.toContain("sudo");
  });

  it("is told by the programs' names where there is no apt", () => {
    expect(packagesSentence([qemu])).toBe(
      "Missing: qemu-system-x86_64. Install them with this system's package manager, and start again.",
    );
  });
});

describe("root", () => {
  it("installs directly", () => {
    provideApt();
    as("root");
    expect(rootPrefix()).toEqual(["env", "DEBIAN_FRONTEND=noninteractive"]);
  });

  it("is become by sudo where that asks for nothing", () => {
    provideApt();
    provide("sudo");
    as("somebody");
    expect(rootPrefix()?.slice(0, 2)).toEqual(["sudo", "-n"]);
  });

  it("can't be become without a terminal where sudo asks for a password", () => {
    provideApt();
    provide("sudo", '[ "$1" = -n ] && exit 1');
    as("somebody");
    vi.spyOn(process, "stdin", "get").mockReturnValue({ isTTY: false } as typeof process.stdin);
    expect(rootPrefix()).toBeNull();

    vi.spyOn(process, "stdin", "get").mockReturnValue({ isTTY: true } as typeof process.stdin);
    expect(rootPrefix()?.[0]).toBe("sudo");
  });

  it("is of no use without apt", () => {
    as("root");
    expect(rootPrefix()).toBeNull();
  });
});

describe("an installation", () => {
  const asRoot = ["env", "DEBIAN_FRONTEND=noninteractive"];

  it("fetches the lists first, asks nothing and takes no recommendations", () => {
    const calls = provideApt();
    installPackages(asRoot, [qemu]);

    expect(calls()).toEqual([
      "noninteractive: --quiet=2 -o DPkg::Lock::Timeout=600 update",
      "noninteractive: --quiet=2 -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends qemu-system-x86",
    ]);
  });

  it("goes on without new lists", () => {
    const calls = provideApt('case "$*" in *update) echo "E: no network" >&2; exit 100;; esac');
    installPackages(asRoot, [qemu]);

    expect(calls()).toHaveLength(2);
  });

  it("waits for another one's lock", () => {
    const lock = join(folder, "lock");
    writeFileSync(lock, "");
    const calls = provideApt(
      `if [ -e ${lock} ]; then echo "E: Could not get lock /var/lib/apt/lists/lock." >&2; exit 100; fi`,
    );
    rmSync(join(folder, "sleep"));
    provide("sleep", `/bin/rm ${lock}`);
    installPackages(asRoot, []);

    expect(calls()).toHaveLength(2);
  });

  it("that fails says what apt said and what to run", () => {
    provideApt('case "$*" in *install*) echo "E: Unable to locate package qemu-system-x86" >&2; exit 100;; esac');

    expect(() => installPackages(asRoot, [qemu])).toThrow(/Unable to locate package[^]*apt-get install -y/);
  });
});
