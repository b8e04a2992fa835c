import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { trim } from "../../agent/serial-logs.ts";
import { printsForEver } from "./boot-sector.ts";
import { TestHost } from "./test-host.ts";

describe("a log", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "voidvm-log-"));
    path = join(folder, "serial.log");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it("is cut to its last lines when it is too long", async () => {
    writeFileSync(path, Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join(""));
    await trim(path, 500, 40);

    expect(readFileSync(path, "utf8")).toBe("line 96\nline 97\nline 98\nline 99\n");
  });

  it("is left alone below that, and where there is none", async () => {
    writeFileSync(path, "short\n");
    await trim(path, 500, 40);
    await trim(join(folder, "none"), 500, 40);

    expect(readFileSync(path, "utf8")).toBe("short\n");
  });

  it("of one endless line keeps its end", async () => {
    writeFileSync(path, "x".repeat(1_000));
    await trim(path, 500, 40);
    appendFileSync(path, "end");

    expect(readFileSync(path, "utf8")).toBe(`${"x".repeat(40)}end`);
  });
});

it("goes on at its new end while QEMU writes it, without a hole", async () => {
  const host = new TestHost();
  try {
    const machine = await host.start(printsForEver);
    const { serialLog } = host.paths.vm(machine.vmId);
    await expect.poll(() => statSync(serialLog).size, { timeout: 10_000 }).toBeGreaterThan(20_000);
    await trim(serialLog, 10_000, 1_000);
    const cut = statSync(serialLog).size;
    await sleep(300);
    const exit = once(machine, "ended");
    process.kill(machine.pid, "SIGKILL");
    await exit;

    const text = readFileSync(serialLog);
    expect(cut).toBeLessThan(10_000);
    expect(text.length).toBeGreaterThan(cut);
    expect(text.subarray(-text.length + 500).every((byte) => byte === "x".charCodeAt(0))).toBe(true);
  } finally {
    await host.dispose();
  }
});
