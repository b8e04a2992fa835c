/** The engine against every kind's own steps, with machines replaced by a table that counts effects. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostError } from "../../agent/errors.ts";
import { Journal } from "../../agent/journal.ts";
import { type Engine, type Progress, runOperation } from "../../agent/operations/engine.ts";
import type { Host } from "../../agent/operations/operation.ts";
import { Scheduler } from "../../agent/scheduler.ts";
import type { VmReport } from "../../protocol/operations.ts";

const vmId = `vm-${"0".repeat(26)}`;

/** One machine, as the steps see it. */
class FakeVms {
  power: VmReport["power"] | null = "stopped";
  effects: string[] = [];
  failStart = false;

  get = () => (this.power === null ? null : { generation: 1 });
  machine = () => (this.power === null || this.power === "stopped" ? null : this.#machine);
  running = () => {
    const machine = this.machine();
    if (!machine) throw new HostError("VM_NOT_RUNNING", "not running");
    return machine;
  };
  start = async () => {
    if (this.failStart) throw new HostError("QEMU_FAILED", "no such luck");
    this.#effect("start", "running");
  };
  end = async (_id: string, end: (machine: unknown) => Promise<void>) => {
    if (this.power !== "stopped") await end(this.#machine);
    this.power = "stopped";
  };
  report = async (): Promise<VmReport | null> =>
    this.power === null
      ? null
      : { vmId, generation: 1, power: this.power, pid: null, startTicks: null, accelerator: null, fault: null };

  #effect(name: string, power: VmReport["power"]) {
    this.effects.push(name);
    this.power = power;
  }

  readonly #machine = {
    power: async () => this.power,
    pause: async () => this.#effect("pause", "paused"),
    resume: async () => this.#effect("resume", "running"),
    reset: async () => this.#effect("reset", "running"),
    quit: async () => this.#effect("quit", "stopped"),
    pressPowerButton: async () => void this.effects.push("button"),
    exited: async () => false,
  };
}

let folder: string;
let journal: Journal;
let vms: FakeVms;
let engine: Engine;
let progress: Progress[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voidvm-engine-"));
  journal = new Journal(join(folder, "journal.db"));
  vms = new FakeVms();
  progress = [];
  engine = { journal, host: { vms } as unknown as Host, onProgress: (one) => progress.push(one) };
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

async function run(
  kind: "vm.start" | "vm.stop" | "vm.restart" | "vm.pause" | "vm.resume" | "vm.reset",
  input: object = {},
) {
  journal.accept({ id: "op-1", kind, vmId, generation: 1, input });
  await runOperation(journal.find("op-1")!, engine);
  return journal.find("op-1")!;
}

describe("an operation", () => {
  it("ends in the journal with its outcome and the machine as it is then", async () => {
    expect(await run("vm.start")).toMatchObject({
      state: "done",
      outcome: { status: "succeeded" },
      vm: { power: "running" },
    });
    expect(vms.effects).toEqual(["start"]);
  });

  it("whose effect is there already changes nothing and succeeds", async () => {
    vms.power = "running";
    expect(await run("vm.start")).toMatchObject({ outcome: { status: "succeeded" } });
    expect(vms.effects).toEqual([]);
  });

  it("that fails carries the failure's code and words", async () => {
    vms.failStart = true;
    expect(await run("vm.start")).toMatchObject({
      outcome: { status: "failed", code: "QEMU_FAILED", message: "no such luck" },
      vm: { power: "stopped" },
    });
  });

  it("goes on after a crash where its marks and the machine say that it was", async () => {
    vms.power = "stopped";
    journal.accept({ id: "op-1", kind: "vm.restart", vmId, generation: 1, input: { graceMs: 0 } });
    journal.mark("op-1", [
      ["power-off", "after"],
      ["spawn", "before"],
    ]);
    await runOperation(journal.find("op-1")!, engine);
    expect(vms.effects).toEqual(["start"]);
    expect(journal.find("op-1")).toMatchObject({ outcome: { status: "succeeded" } });
  });

  it("does not power off again what a crashed restart has started already", async () => {
    vms.power = "running";
    journal.accept({ id: "op-1", kind: "vm.restart", vmId, generation: 1, input: { graceMs: 0 } });
    journal.mark("op-1", [
      ["power-off", "after"],
      ["spawn", "before"],
    ]);
    await runOperation(journal.find("op-1")!, engine);
    expect(vms.effects).toEqual([]);
  });

  it("that must not happen twice ends as unknown after a crash in its middle", async () => {
    vms.power = "running";
    journal.accept({ id: "op-1", kind: "vm.reset", vmId, generation: 1, input: {} });
    journal.mark("op-1", [["reset", "before"]]);
    await runOperation(journal.find("op-1")!, engine);
    expect(vms.effects).toEqual([]);
    expect(journal.find("op-1")).toMatchObject({ outcome: { status: "unknown", code: "OUTCOME_UNKNOWN" } });
  });

  it("whose journalled arguments are not valid fails without an effect", async () => {
    expect(await run("vm.stop", { graceMs: "soon" })).toMatchObject({ outcome: { code: "INVALID_ORDER" } });
    expect(vms.effects).toEqual([]);
  });
});

describe("vm.stop", () => {
  it("kills a guest that ignores the power button", async () => {
    vms.power = "running";
    expect(await run("vm.stop", { graceMs: 50 })).toMatchObject({ outcome: { result: { stoppedBy: "kill" } } });
    expect(vms.effects).toEqual(["button", "quit"]);
  });

  it("wakes a paused guest so that it can see the button", async () => {
    vms.power = "paused";
    await run("vm.stop", { graceMs: 50 });
    expect(vms.effects).toEqual(["resume", "button", "quit"]);
  });

  it("of a machine that the host does not have succeeds", async () => {
    vms.power = null;
    expect(await run("vm.stop", { graceMs: 50 })).toMatchObject({ outcome: { status: "succeeded" }, vm: null });
  });
});

describe("pause and resume", () => {
  it("of a machine that is off fail with VM_NOT_RUNNING", async () => {
    expect(await run("vm.pause")).toMatchObject({ outcome: { status: "failed", code: "VM_NOT_RUNNING" } });
  });
});

describe("the scheduler", () => {
  it("runs one machine's operations in their order, and goes on after one that failed", async () => {
    vms.failStart = true;
    const ended: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const onEnd = (id: string) => {
      ended.push(id);
      if (id === "op-1") vms.failStart = false;
      if (ended.length === 3) resolve();
    };
    const scheduler = new Scheduler(engine, onEnd, () => {});
    journal.accept({ id: "op-1", kind: "vm.start", vmId, generation: 1, input: {} });
    journal.accept({ id: "op-2", kind: "vm.start", vmId, generation: 1, input: {} });
    journal.accept({ id: "op-3", kind: "vm.pause", vmId, generation: 1, input: {} });
    scheduler.resume();
    await promise;
    expect(ended).toEqual(["op-1", "op-2", "op-3"]);
    expect(vms.effects).toEqual(["start", "pause"]);
    expect(journal.unfinished()).toEqual([]);
  });

  it("takes back what has not begun, and never what has", async () => {
    const ended: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const onEnd = (id: string) => {
      ended.push(id);
      if (id === "op-1") resolve();
    };
    const scheduler = new Scheduler(engine, onEnd, () => {});
    journal.accept({ id: "op-1", kind: "vm.start", vmId, generation: 1, input: {} });
    journal.accept({ id: "op-2", kind: "vm.pause", vmId, generation: 1, input: {} });
    scheduler.resume();
    await Promise.resolve();
    expect(await scheduler.cancel(journal.find("op-2")!)).toBe(true);
    expect(await scheduler.cancel(journal.find("op-1")!)).toBe(false);
    await promise;
    expect(ended.toSorted()).toEqual(["op-1", "op-2"]);
    expect(vms.effects).toEqual(["start"]);
    expect(journal.find("op-2")).toMatchObject({ state: "done", outcome: { status: "cancelled", code: "CANCELLED" } });
    expect(await scheduler.cancel(journal.find("op-2")!)).toBe(false);
  });
});
