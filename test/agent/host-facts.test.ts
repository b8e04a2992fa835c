import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chooseAccelerator, readHostFacts } from "../../agent/host-facts.ts";
import { HostPaths } from "../../agent/paths.ts";
import { HostFacts } from "../../protocol/agent-link.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "voidvm-facts-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

/** A /dev and /sys as a host with these would have them. */
function give({ device, module }: { device?: "opens" | "broken"; module?: string }): void {
  mkdirSync(join(root, "dev"));
  if (device === "opens") writeFileSync(join(root, "dev/kvm"), "");
  // No permission of a file keeps root out, so what can't be opened for writing is a folder.
  if (device === "broken") mkdirSync(join(root, "dev/kvm"));
  if (module) mkdirSync(join(root, "sys/module", module), { recursive: true });
}

describe("the accelerator", () => {
  it.for(["kvm_intel", "kvm_amd"])("is KVM with a device that opens and %s", async (module) => {
    give({ device: "opens", module });

    expect(await chooseAccelerator("auto", true, root)).toMatchObject({ accelerator: "kvm" });
    expect(await chooseAccelerator("kvm", false, root)).toMatchObject({ accelerator: "kvm" });
  });

  it("is emulation on PVM, whose device opens and whose guests hang", async () => {
    give({ device: "opens", module: "kvm_pvm" });

    expect(await chooseAccelerator("auto", true, root)).toEqual({
      accelerator: "tcg",
      reason:
        "Machines run by emulation (/dev/kvm is not backed by kvm_intel or kvm_amd): right, but ten to thirty times slower",
    });
  });

  it("is emulation without a device, or with one that does not open", async () => {
    give({ module: "kvm_intel" });
    expect(await chooseAccelerator("auto", true, root)).toMatchObject({
      accelerator: "tcg",
      reason: expect.stringContaining("there is no /dev/kvm") as string,
    });
    mkdirSync(join(root, "dev/kvm"));
    expect(await chooseAccelerator("auto", true, root)).toMatchObject({
      accelerator: "tcg",
      reason: expect.stringContaining("can't be opened by this user") as string,
    });
  });

  it("is none where KVM is demanded and can't be used, or emulation is not allowed", async () => {
    give({ device: "broken", module: "kvm_intel" });

    expect(await chooseAccelerator("kvm", true, root)).toMatchObject({ accelerator: null });
    expect(await chooseAccelerator("auto", false, root)).toMatchObject({
      accelerator: null,
      reason: expect.stringContaining("emulation is not allowed here") as string,
    });
  });

  it("is emulation where that is demanded, beside a KVM that works", async () => {
    give({ device: "opens", module: "kvm_intel" });

    expect(await chooseAccelerator("tcg", true, root)).toMatchObject({ accelerator: "tcg" });
  });
});

describe("the facts of this machine", () => {
  it("are what the link's schema takes", async () => {
    const facts = await readHostFacts(new HostPaths(root, root), "tcg", true);

    expect(HostFacts.parse(facts)).toEqual(facts);
    expect(facts).toMatchObject({ accelerator: "tcg", qemuVersion: expect.stringMatching(/^\d+\.\d+/) as string });
  });

  it("say that no machine can run where QEMU is missing", async () => {
    vi.stubEnv("PATH", "/nowhere");

    expect(await readHostFacts(new HostPaths(root, root), "tcg", true)).toMatchObject({
      qemuVersion: null,
      accelerator: null,
      acceleratorReason: "QEMU is not installed on this host (Debian: qemu-system-x86)",
    });
  });
});
