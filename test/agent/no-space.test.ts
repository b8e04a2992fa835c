/** A host whose disk runs full under a machine that writes. It needs a file system of its own, so root. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLinkedDisk } from "../../agent/disks.ts";
import { Machine } from "../../agent/machine.ts";
import { fillsItsDisk } from "./boot-sector.ts";
import { unless } from "../unless.ts";
import { TestHost } from "./test-host.ts";

let host: TestHost;

function mount(size: string, ...more: string[]): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", [`size=${size}`, ...more].join(","), "none", host.paths.vmsDir]);
}

function obstacle(): string | null {
  host = new TestHost();
  try {
    mount("1m");
    execFileSync("umount", [host.paths.vmsDir]);
    return null;
  } catch (error) {
    return `no file system can be mounted: ${(error as Error).message.trim()}`;
  } finally {
    void host.dispose();
  }
}

describe("a full disk", unless(obstacle()), () => {
  beforeEach(() => {
    host = new TestHost();
    mount("16m");
  });

  afterEach(async () => {
    await host.endQemus();
    execFileSync("umount", [host.paths.vmsDir]);
    await host.dispose();
  });

  it("pauses the guest, and room lets it go on", async () => {
    const machine = await host.start(fillsItsDisk);
    await once(machine, "no-space");
    expect([await machine.power(), machine.outOfSpace]).toEqual(["paused", true]);

    const recovered = once(machine, "recovered");
    mount("64m", "remount");
    await recovered;
    expect([await machine.power(), machine.outOfSpace]).toEqual(["running", false]);
    await machine.quit();
  }, 30_000);

  it("is known to an agent that comes later", async () => {
    const first = await host.start(fillsItsDisk);
    await once(first, "no-space");
    first.close();
    const second = await Machine.adopt(first.vmId, host.context);

    expect([await second?.power(), second?.outOfSpace]).toEqual(["paused", true]);
    await second?.quit();
  });

  it("leaves a guest paused that somebody wants paused", async () => {
    const machine = await host.start(fillsItsDisk);
    await once(machine, "no-space");
    await machine.pause();
    mount("64m", "remount");
    const recovered = once(machine, "recovered").then(() => "recovered");

    expect(await Promise.race([recovered, machine.exited(3_000)])).toBe(false);
    expect(await machine.power()).toBe("paused");
    await machine.resume();
    expect(await recovered).toBe("recovered");
    await machine.quit();
  });

  it("fails a creation with NO_SPACE and leaves no part of a disk", async () => {
    const vmId = await host.addVm();
    const { dir } = host.paths.vm(vmId);
    const base = join(host.folder, "base.img");
    writeFileSync(base, Buffer.alloc(512));
    execFileSync("sh", ["-c", `dd if=/dev/zero of=${dir}/filler bs=64k 2>/dev/null || true`]);
    const path = join(dir, "second.qcow2");

    await expect(createLinkedDisk({ base, baseFormat: "raw", path, sizeGib: 1 })).rejects.toMatchObject({
      code: "NO_SPACE",
    });
    expect(execFileSync("ls", [dir]).toString()).not.toContain("second");
  });
});
