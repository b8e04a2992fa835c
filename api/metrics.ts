/** The figures in Prometheus' text format. Pure, so that promtool can judge it. */
import type { MetricsFacts } from "../db/metrics.ts";
import { OperationStatus } from "../protocol/operations.ts";
import { HostStatus } from "../protocol/rest.ts";
import { VmStatus } from "../protocol/vm.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

const mib = 1024 ** 2;
const gib = 1024 ** 3;

export function metricsText(facts: MetricsFacts, version: string): string {
  const { hostRows, vmRows, operationRows, users } = facts;
  const perHost = (value: (host: (typeof hostRows)[number]) => number): Sample[] =>
    hostRows.map((host) => [{ host: host.id, name: host.name }, value(host)]);
  const allocated = (what: "vms" | "cpu" | "memory" | "disk", unit: number) =>
    perHost((host) => host.allocated[what] * unit);
  const vmsIn = new Map(vmRows.map(({ status, count }) => [status, count]));

  return [
    gauge("voidvm_build_info", "Version of the edge.", [[{ version }, 1]]),
    gauge("voidvm_users", "User accounts.", [[{}, users]]),
    gauge(
      "voidvm_hosts",
      "Hosts by status.",
      HostStatus.options.map((status) => [{ status }, hostRows.filter((host) => host.status === status).length]),
    ),
    gauge(
      "voidvm_vms",
      "Virtual machines by status.",
      VmStatus.options.map((status) => [{ status }, vmsIn.get(status) ?? 0]),
    ),
    gauge(
      "voidvm_operations",
      "Operations of the last 24 hours, and all that have not ended, by kind and status.",
      operationRows.map(({ kind, status, count }) => [{ kind, status }, count]),
    ),
    gauge(
      "voidvm_operations_pending",
      "Operations that have not ended.",
      pendingStatuses.map((status) => [
        { status },
        operationRows.filter((row) => row.status === status).reduce((total, row) => total + row.count, 0),
      ]),
    ),
    gauge(
      "voidvm_host_up",
      "Whether the host is connected.",
      perHost(({ status }) => Number(status === "online")),
    ),
    gauge(
      "voidvm_host_schedulable",
      "Whether the host takes new machines.",
      perHost(({ schedulable }) => Number(schedulable)),
    ),
    gauge("voidvm_host_vms", "Virtual machines on the host.", allocated("vms", 1)),
    gauge(
      "voidvm_host_capacity_vcpus",
      "vCPUs that the host may promise.",
      perHost(({ cpu }) => cpu),
    ),
    gauge(
      "voidvm_host_capacity_memory_bytes",
      "Memory that the host may promise.",
      perHost(({ memory }) => memory * mib),
    ),
    gauge(
      "voidvm_host_capacity_disk_bytes",
      "Disk that the host may promise.",
      perHost(({ disk }) => disk * gib),
    ),
    gauge("voidvm_host_allocated_vcpus", "vCPUs of its machines.", allocated("cpu", 1)),
    gauge("voidvm_host_allocated_memory_bytes", "Memory of its machines.", allocated("memory", mib)),
    gauge("voidvm_host_allocated_disk_bytes", "Disk of its machines.", allocated("disk", gib)),
  ].join("");
}

const pendingStatuses = [OperationStatus.enum.queued, OperationStatus.enum.running];

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, escape)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escape(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}
