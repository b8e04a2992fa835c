import { describe, expect, it } from "vitest";
import { statusAfter, statusDuring } from "../../protocol/operations.ts";
import { type SettledVmStatus, VmAction, vmActions, VmCreate, vmRefusal } from "../../protocol/vm.ts";
import { isCurrent } from "../../scripts/write-vm-states.ts";

describe("the state rules", () => {
  it("are what docs/vm-states.md says", () => expect(isCurrent()).toBe(true));

  it("refuse with a code just what they don't allow", () => {
    for (const action of VmAction.options) {
      for (const status of [
        "stopped",
        "running",
        "paused",
        "suspended",
        "error",
        "deleting",
      ] satisfies SettledVmStatus[]) {
        expect(vmRefusal(action, status) === null).toBe(vmActions[action].from.includes(status));
      }
    }
  });

  it("let force delete what runs and nothing that is being deleted", () => {
    expect(vmRefusal("delete", "running")).toBe("VM_RUNNING");
    expect(vmRefusal("delete", "running", true)).toBeNull();
    expect(vmRefusal("delete", "deleting", true)).toBe("VM_DELETING");
  });

  it("say where an operation leads", () => {
    expect(statusDuring("vm.create")).toBe("creating");
    expect(statusAfter("vm.create", { start: true })).toBe("running");
    expect(statusAfter("vm.create", { start: false })).toBe("stopped");
    expect([statusDuring("vm.pause"), statusAfter("vm.pause", {})]).toEqual([null, "paused"]);
  });
});

describe("a creation", () => {
  const valid = { name: "a", cpu: 1, memory: 128, disk: 1 };

  it.each(["a", "A1", "web.example-1_x", "9", "a".repeat(63)])("takes %j as a name", (name) => {
    expect(VmCreate.safeParse({ ...valid, name }).success).toBe(true);
  });

  it.each(["", "-a", ".a", "a b", "a/b", "a,b", "虚拟机", "a".repeat(64), `vm-${"0".repeat(26)}`])(
    "refuses %j",
    (name) => {
      expect(VmCreate.safeParse({ ...valid, name }).success).toBe(false);
    },
  );

  it("takes sizes up to their bounds and nothing beyond", () => {
    for (const [field, min, max] of [
      ["cpu", 1, 64],
      ["memory", 128, 1_048_576],
      ["disk", 1, 16_384],
    ] as const) {
      const takes = (value: number) => VmCreate.safeParse({ ...valid, [field]: value }).success;
      expect([min - 1, min, max, max + 1].map(takes)).toEqual([false, true, true, false]);
    }
  });
});
