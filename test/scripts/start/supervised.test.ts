import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { LogFile } from "../../../scripts/start/log-file.ts";
import { Supervised } from "../../../scripts/start/supervised.ts";
import { readProcess } from "../../e2e/processes.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-supervised-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs `source` as the child. */
function supervise(source: string, environment: () => Promise<NodeJS.ProcessEnv> = async () => ({})) {
  const script = join(folder, "child.mjs");
  writeFileSync(script, source);
  const pids: number[] = [];
  const startedAt: number[] = [];
  const messages: unknown[] = [];
  const deaths: string[] = [];
  const shown: string[] = [];
  const log = new LogFile(join(folder, "child.log"), (line) => shown.push(line));
  const onSpawn = (pid: number) => {
    pids.push(pid);
    startedAt.push(performance.now());
  };
  const onMessage = (message: unknown) => messages.push(message);
  const child = new Supervised({ name: "child", node: [script], log, environment, onSpawn, onMessage });
  child.on("died", (how) => deaths.push(how));
  onTestFinished(() => child.stop(0));
  child.start();
  return { child, pids, startedAt, messages, deaths, shown };
}

const staysAndSaysSo = `process.send("up"); process.on("disconnect", () => process.exit()); setInterval(() => {}, 1000);`;

describe("a supervised process", () => {
  it("is started again when it dies", async () => {
    const { pids, messages, deaths } = supervise(staysAndSaysSo);
    await vi.waitFor(() => expect(messages).toHaveLength(1), 10_000);
    process.kill(pids[0] ?? 0, "SIGKILL");

    await vi.waitFor(() => expect(messages).toHaveLength(2), 10_000);
    expect(deaths).toEqual(["was killed by SIGKILL"]);
    expect(new Set(pids).size).toBe(2);
  });

  it("that dies at once is tried with growing pauses", async () => {
    const { startedAt } = supervise("process.exit(3)");
    await vi.waitFor(() => expect(startedAt.length).toBeGreaterThan(3), 10_000);

    const pauses = startedAt.slice(1).map((time, index) => time - (startedAt[index] ?? 0));
    for (const [index, atLeast] of [200, 400, 800].entries()) expect(pauses[index]).toBeGreaterThan(atLeast);
  });

  it("is started again at once, and without a word, when it is asked to restart", async () => {
    const { child, pids, messages, deaths } = supervise(staysAndSaysSo);
    await vi.waitFor(() => expect(messages).toHaveLength(1), 10_000);
    child.restart();

    await vi.waitFor(() => expect(messages).toHaveLength(2), 10_000);
    expect(deaths).toEqual([]);
    expect(new Set(pids).size).toBe(2);
  });

  it("that asks not to be started again isn't", async () => {
    const { child, pids, deaths } = supervise("process.exit(78)");
    await vi.waitFor(() => expect(pids).toHaveLength(1), 10_000);

    await child.stop(1_000);
    expect(deaths).toEqual([]);
    expect(pids).toHaveLength(1);
  });

  it("ends with SIGTERM and stays away", async () => {
    const { child, pids, messages } = supervise(staysAndSaysSo);
    await vi.waitFor(() => expect(messages).toHaveLength(1), 10_000);

    await child.stop(5_000);
    expect(readProcess(pids[0] ?? 0)).toBeNull();
    expect(pids).toHaveLength(1);
  });

  it("that ignores SIGTERM is killed after its grace", async () => {
    const { child, pids, messages } = supervise(`process.on("SIGTERM", () => {}); ${staysAndSaysSo}`);
    await vi.waitFor(() => expect(messages).toHaveLength(1), 10_000);

    await child.stop(50);
    expect(readProcess(pids[0] ?? 0)).toBeNull();
  });

  it("has a session of its own, which Ctrl-C does not reach", async () => {
    const { pids, messages } = supervise(staysAndSaysSo);
    await vi.waitFor(() => expect(messages).toHaveLength(1), 10_000);

    const stat = readFileSync(`/proc/${pids[0]}/stat`, "utf8");
    const session = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3];
    expect(Number(session)).toBe(pids[0]);
  });

  it("is tried again where its environment could not be found out", async () => {
    let calls = 0;
    const { messages, deaths } = supervise(staysAndSaysSo, async () => {
      calls += 1;
      if (calls === 1) throw new Error("the edge is away");
      return {};
    });
    await vi.waitFor(() => expect(messages).toHaveLength(1), 10_000);

    expect(deaths).toEqual(["could not be started: the edge is away"]);
  });
});

describe("the log of a supervised process", () => {
  it("has all that it printed, and the terminal its errors", async () => {
    const { shown } = supervise(
      `console.log("fine"); console.error("2026-01-01T00:00:00.000Z broken"); ${staysAndSaysSo}`,
    );
    await vi.waitFor(() => expect(shown).toEqual(["broken"]), 10_000);

    await vi.waitFor(() => expect(readFileSync(join(folder, "child.log"), "utf8").split("\n")).toHaveLength(3), 10_000);
    expect(readFileSync(join(folder, "child.log"), "utf8")).toContain("2026-01-01T00:00:00.000Z broken");
  });

  it("shows a flood of errors only in part", async () => {
    const { shown } = supervise(`for (let i = 0; i < 1000; i++) console.error("error " + i); ${staysAndSaysSo}`);
    await vi.waitFor(() => expect(shown.at(-1)).toBe("… more in logs/child.log"), 10_000);

    expect(shown.length).toBeLessThan(10);
  });

  it("is put aside by a start when it has grown too long", () => {
    const file = join(folder, "long.log");
    writeFileSync(file, "x".repeat(11 * 1_048_576));
    new LogFile(file, () => {});

    expect(readFileSync(`${file}.1`).length).toBe(11 * 1_048_576);
  });
});
