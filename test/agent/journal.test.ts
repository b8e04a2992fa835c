import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal, openJournal } from "../../agent/journal.ts";
import type { Outcome } from "../../protocol/agent-link.ts";

const succeeded: Outcome = { status: "succeeded", code: null, message: null, result: {} };
const start = (id: string) => ({
  id,
  kind: "vm.start" as const,
  vmId: "vm-1",
  generation: 1,
  input: { secret: "s3cret" },
});

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-journal-"));
  file = join(folder, "journal.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a journal", () => {
  it("keeps its id, epoch and unfinished operations in their order when it is opened again", () => {
    const first = new Journal(file);
    first.rememberEpoch(7);
    first.accept(start("op-b"));
    first.accept(start("op-a"));
    first.mark("op-a", [["spawn", "before"]]);
    first.close();

    const second = new Journal(file);
    expect(second.id).toBe(first.id);
    expect(second.greatestEpoch).toBe(7);
    expect(second.unfinished().map(({ id, state }) => [id, state])).toEqual([
      ["op-b", "accepted"],
      ["op-a", "running"],
    ]);
    expect(second.phase("op-a", "spawn")).toBe("before");
    second.close();
  });

  it("accepts an operation once, and still knows it after its end was acknowledged", () => {
    const journal = new Journal(file);
    expect(journal.accept(start("op-a"))).toBe(true);
    expect(journal.accept(start("op-a"))).toBe(false);
    journal.finish("op-a", succeeded, null);
    journal.acknowledge("op-a");
    expect(journal.accept(start("op-a"))).toBe(false);
    expect(journal.find("op-a")).toMatchObject({ state: "acknowledged", outcome: succeeded });
    expect(journal.entries()).toEqual([]);
    journal.close();
  });

  it("forgets an operation's input when it ends, and lets nobody else read the file", () => {
    const journal = new Journal(file);
    journal.accept(start("op-a"));
    journal.finish("op-a", succeeded, null);
    expect(journal.find("op-a")?.input).toBeNull();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    journal.close();
  });

  it("numbers events upwards and drops them up to the acknowledged one", () => {
    const journal = new Journal(file);
    const vm = {
      vmId: "vm-1",
      generation: 1,
      power: "stopped",
      pid: null,
      startTicks: null,
      accelerator: null,
      fault: null,
    } as const;
    const [first, second] = [journal.addEvent("vm.crashed", vm, "a"), journal.addEvent("vm.powered-off", vm, "b")];
    expect(second.sequence).toBeGreaterThan(first.sequence);
    journal.acknowledgeEvents(first.sequence);
    expect(journal.events()).toEqual([second]);
    journal.close();
  });

  it.each([
    ["overwritten", () => writeFileSync(file, "this is not a database, whatever its name says".repeat(50))],
    ["cut in the middle", () => truncateSync(file, 5000)],
  ])("that was %s is kept aside, and a new one with another id begun", (_how, damage) => {
    const before = new Journal(file);
    for (let n = 0; n < 50; n++) before.accept(start(`op-${n}`));
    before.close();
    damage();

    const lines: string[] = [];
    const after = openJournal(file, (line) => lines.push(line));
    expect(after.id).not.toBe(before.id);
    expect(after.unfinished()).toEqual([]);
    expect(readdirSync(folder).some((name) => name.startsWith("journal.db.damaged-"))).toBe(true);
    expect(lines.join()).toContain("could not be read");
    after.close();
  });

  it("whose last write was cut off loses that write alone", () => {
    const before = new Journal(file);
    before.accept(start("op-a"));
    before.close();
    appendFileSync(`${file}-wal`, "half a frame");

    const after = openJournal(file);
    expect(after.id).toBe(before.id);
    expect(after.unfinished()).toHaveLength(1);
    after.close();
  });
});
