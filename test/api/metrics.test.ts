/** The metrics as Prometheus' own tool reads them. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { metricsText } from "../../api/metrics.ts";
import type { MetricsFacts } from "../../db/metrics.ts";
import { unless } from "../unless.ts";

const size = { cpu: 32, memory: 16_384, disk: 400 };
const facts: MetricsFacts = {
  hostRows: [
    {
      ...{ id: "host-1", name: 'node\\1 "a"\nb', status: "online", schedulable: true, ...size },
      allocated: { vms: 3, cpu: 4, memory: 2048, disk: 30 },
    },
    {
      ...{ id: "host-2", name: "node-2", status: "offline", schedulable: false, ...size },
      allocated: { vms: 0, cpu: 0, memory: 0, disk: 0 },
    },
  ],
  vmRows: [{ status: "running", count: 3 }],
  operationRows: [
    { kind: "vm.start", status: "succeeded", count: 7 },
    { kind: "vm.stop", status: "running", count: 1 },
  ],
  users: 2,
};

const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;
const obstacle = hasPromtool ? null : "promtool is not here; Debian's package prometheus has it";

describe("the metrics", () => {
  it("have nothing that promtool finds fault with", unless(obstacle), () => {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input: metricsText(facts, "0.1.0"),
      encoding: "utf8",
    });
    expect(`${stdout}${stderr}`).toBe("");
    expect(status).toBe(0);
  });

  it("are in base units, and show a status that nothing has as 0", () => {
    const text = metricsText(facts, "0.1.0");
    expect(text).toContain('voidvm_hosts{status="offline"} 1\n');
    expect(text).toContain('voidvm_vms{status="running"} 3\n');
    expect(text).toContain('voidvm_vms{status="error"} 0\n');
    expect(text).toContain('voidvm_operations{kind="vm.start",status="succeeded"} 7\n');
    expect(text).toContain('voidvm_operations_pending{status="running"} 1\n');
    expect(text).toContain(`voidvm_host_allocated_memory_bytes{host="host-2",name="node-2"} 0\n`);
    expect(text).toContain(`voidvm_host_capacity_memory_bytes{host="host-2",name="node-2"} ${16 * 1024 ** 3}\n`);
  });

  it("keep a name from breaking out of its label", () => {
    expect(metricsText(facts, "0.1.0")).toContain('voidvm_host_up{host="host-1",name="node\\\\1 \\"a\\"\\nb"} 1\n');
  });
});
