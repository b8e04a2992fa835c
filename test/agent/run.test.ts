import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { launch, run } from "../../agent/run.ts";
import { allProcesses, readProcess } from "../e2e/processes.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-run-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Processes that a test of this file may have left: they name its folder. */
function leftOvers() {
  return allProcesses().filter(({ command }) => command.some((argument) => argument.includes(folder)));
}

describe("run", () => {
  it("gives what the program prints, and takes what it reads", async () => {
    expect(await run("cat", [], { input: "hello" })).toEqual({ stdout: "hello", stderr: "" });
    expect(await run("cat", [])).toEqual({ stdout: "", stderr: "" });
  });

  it("hands arguments over as they are", async () => {
    const { stdout } = await run("printf", ["%s|", "$(reboot)", "a b", ";", "*"]);

    expect(stdout).toBe("$(reboot)|a b|;|*|");
  });

  it("gives a program no environment but its path and a language", async () => {
    vi.stubEnv("SECRET", "s3cret");
    const { stdout } = await run("env", []);

    const names = stdout
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]);
    expect(new Set(names)).toEqual(new Set(["LC_ALL", "PATH"]));
  });

  it("fails with the program's last words, without control characters", async () => {
    const program = ["-c", 'printf "\\033]0;owned\\007 it broke\\n" >&2; exit 3'];

    await expect(run("sh", program)).rejects.toMatchObject({
      code: "HOST_ERROR",
      end: 3,
      message: "sh ended with 3: ]0;owned it broke",
    });
  });

  it("knows a full disk by the program's words", async () => {
    const program = ["-c", "echo 'cp: error writing x: No space left on device' >&2; exit 1"];

    await expect(run("sh", program)).rejects.toMatchObject({ code: "NO_SPACE" });
  });

  it("names the Debian package of a program that is missing, with limits too", async () => {
    vi.stubEnv("PATH", "/nowhere");
    const message = "qemu-img is not installed on this host (Debian: qemu-utils)";
    await expect(run("qemu-img", [])).rejects.toMatchObject({ code: "HOST_ERROR", message });

    vi.stubEnv("PATH", folder);
    rmSync(folder, { recursive: true });
    await run("/bin/mkdir", [folder]);
    await run("/bin/ln", ["-s", "/usr/bin/prlimit", join(folder, "prlimit")]);
    await expect(run("qemu-img", [], { limits: { memoryMib: 512, cpuSeconds: 1 } })).rejects.toMatchObject({ message });
  });

  it("kills a program that outstays its deadline, and settles when it is gone", async () => {
    await expect(run("tail", ["-F", join(folder, "none")], { timeoutMs: 50 })).rejects.toMatchObject({
      code: "HOST_ERROR",
      message: "tail did not end within 0.05 s and was killed",
    });
    expect(leftOvers()).toEqual([]);
  });

  it("kills a program when it is called off, and starts none when that came first", async () => {
    const signal = AbortSignal.timeout(30);
    await expect(run("sleep", ["30"], { signal })).rejects.toMatchObject({ code: "CANCELLED" });
    await expect(run("sleep", ["30"], { signal })).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("settles although a grandchild holds the pipes", async () => {
    const started = performance.now();
    const { stdout } = await run("sh", ["-c", "echo done; sleep 3 &"]);

    expect(stdout).toBe("done\n");
    expect(performance.now() - started).toBeLessThan(2_500);
  });

  it("keeps the end of an output that has none", async () => {
    const { stdout } = await run("sh", ["-c", "yes | head -c 5000000; echo end"]);

    expect(stdout.length).toBe(1_048_576);
    expect(stdout.endsWith("y\nend\n")).toBe(true);
  });

  it("limits what a program may take", async () => {
    const program = ["-c", "ulimit -v; ulimit -t; ulimit -c"];
    const { stdout } = await run("sh", program, { limits: { memoryMib: 100, cpuSeconds: 7 } });

    expect(stdout).toBe("102400\n7\n0\n");
  });

  it("writes a line a run, with the machine's id, where the tests count", async () => {
    const log = join(folder, "spawns");
    vi.stubEnv("VOIDVM_SPAWN_LOG", log);
    await run("true", []);
    await run("/bin/true", ["--", `/vms/vm-${"0".repeat(26)}/disk.qcow2`]);
    await run("false", [], { limits: { memoryMib: 100, cpuSeconds: 1 } }).catch(() => {});

    expect(readFileSync(log, "utf8")).toBe(`true -\ntrue vm-${"0".repeat(26)}\nfalse -\n`);
  });
});

describe("launch", () => {
  it("starts a program in a session of its own, which appends to its log", async () => {
    const log = join(folder, "log");
    await (
      await launch("sh", ["-c", "echo first"], log)
    ).ended;
    const { pid, ended } = await launch("sh", ["-c", "echo second >&2; sleep 0.2; exit 4"], log);

    expect(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3]).toBe(String(pid));
    expect(await ended).toBe("status 4");
    expect(readFileSync(log, "utf8")).toBe("first\nsecond\n");
  });

  it("tells which signal ended it", async () => {
    const { pid, ended } = await launch("sleep", ["30"], join(folder, "log"));
    process.kill(pid, "SIGKILL");

    expect(await ended).toBe("SIGKILL");
    await sleep(1);
    expect(readProcess(pid)).toBeNull();
  });

  it("fails when the program is missing", async () => {
    await expect(launch("no-such-program", [], join(folder, "log"))).rejects.toMatchObject({ code: "HOST_ERROR" });
  });
});
