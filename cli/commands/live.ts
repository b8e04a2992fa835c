/** `voidvm events`, `voidvm top`: what happens, as it happens. */
import type { Command } from "commander";
import type { HostSample, SystemEvent, Vm, VmSample } from "../../sdk/typescript/src/index.ts";
import { VoidVMError } from "../../sdk/typescript/src/index.ts";
import { declare, given, wholeNumber } from "../command.ts";
import { all, type Context } from "../context.ts";
import { t } from "../language.ts";
import type { Column } from "../output/output.ts";

/** So many machines fit into one subscription beside their statuses. */
const mostMachines = 90;

export function addLiveCommands(program: Command): void {
  declare<{ follow?: boolean; after?: number; limit?: number; vm?: string }>(
    program,
    "events",
    t("what happened; with --follow, what happens", "事件；加 --follow 持续输出"),
    async (context, { follow, after, limit = 20, vm }) => {
      const client = await context.socketClient();
      if (!follow) {
        const query = given({ after, limit });
        const call = { signal: context.signal };
        const page = await (vm === undefined ? client.listEvents(query, call) : client.vms.listEvents(vm, query, call));
        return page.events.forEach((event) => printEvent(context, event));
      }
      const vmId = vm === undefined ? undefined : (await client.vms.get(vm, { signal: context.signal })).id;
      const onReconnect = (error: VoidVMError) =>
        context.out.note(t(`${error.message}; connecting again`, "连接中断，正在重连"));
      for await (const event of client.events({ after, signal: context.signal, onReconnect })) {
        if (vmId === undefined || event.vmId === vmId) printEvent(context, event);
      }
    },
  )
    .option("-f, --follow", t("go on until Ctrl-C", "持续输出直到 Ctrl-C"))
    .option("--after <sequence>", t("what followed this event", "从该序号之后开始"), wholeNumber)
    .option("--vm <vm>", t("only of this machine", "按虚拟机筛选"))
    .option(
      "--limit <n>",
      t(
        "at most so many (20), the oldest that are kept or that follow --after",
        "最多条数（20），从最早保留的或 --after 之后的开始",
      ),
      wholeNumber,
    );

  declare<{ interval?: number; once?: boolean }>(
    program,
    "top",
    t("how busy machines are", "虚拟机资源使用情况"),
    async (context, { interval = 2, once }) =>
      top(context, interval * 1000, once || !process.stdout.isTTY || context.out.json),
  )
    .option("--interval <seconds>", t("between two looks (2)", "刷新间隔秒数（2）"), wholeNumber)
    .option("--once", t("print one table and end", "仅输出一次"));
}

function printEvent(context: Context, event: SystemEvent): void {
  if (context.out.json) return context.out.dataLine(event);
  context.out.line(
    context.out.quiet
      ? String(event.seq)
      : `${event.seq}  ${event.timestamp}  ${event.level.padEnd(5)}  ${event.message}`,
  );
}

async function top(context: Context, interval: number, once: boolean): Promise<void> {
  const client = await context.socketClient();
  const { signal } = context;
  const vms = await all(client.vms.iterate({ status: "running" }, { signal }));
  const samples = new Map<string, VmSample>();
  let system: HostSample | null = null;
  const rows = () => vms.flatMap((vm) => (samples.has(vm.id) ? [{ vm, sample: samples.get(vm.id) as VmSample }] : []));
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);

  const monitor = async () => {
    for await (const sample of client.system.monitor({ interval, signal: both })) {
      system = sample;
      if (!once) await draw(context, system, rows());
    }
  };
  // Only administrators are told of the hosts, and the machines are worth seeing without.
  const monitoring = monitor().catch((error: unknown) => {
    if (!ended.signal.aborted && !(error instanceof VoidVMError && error.code === "FORBIDDEN")) throw error;
  });
  const watched = vms.slice(0, mostMachines).map(({ id }) => id);
  const machines = async () => {
    if (watched.length === 0) return;
    for await (const sample of client.vms.metrics(watched, { interval, signal: both })) {
      samples.set(sample.vmId, sample);
      if (once && samples.size === watched.length) return;
      if (!once) await draw(context, system, rows());
    }
  };
  await (once ? Promise.race([machines(), monitoring]) : Promise.all([machines(), monitoring]));
  ended.abort();
  await context.out.list(rows().map(toRow), columns, t("No machine runs", "没有运行中的虚拟机"), ({ id }) => id);
}

const percent = (value: number) => `${value.toFixed(0)} %`;
const rate = (bytes: number) => (bytes < 1024 ? `${bytes.toFixed(0)} B/s` : `${(bytes / 1024).toFixed(0)} KiB/s`);

function toRow({ vm, sample }: { vm: Vm; sample: VmSample }) {
  return { id: vm.id, name: vm.name, ...sample };
}

const columns: Column<ReturnType<typeof toRow>>[] = [
  { title: t("NAME", "名称"), of: ({ name }) => name },
  { title: "CPU", of: ({ cpu }) => percent(cpu.usage) },
  {
    title: t("MEMORY", "内存"),
    of: ({ memory }) => `${percent(memory.usage)} ${memory.used.toFixed(0)}/${memory.total} MiB`,
  },
  { title: t("READ", "磁盘读"), of: ({ disk }) => rate(disk.read) },
  { title: t("WRITTEN", "磁盘写"), of: ({ disk }) => rate(disk.write) },
  { title: t("RECEIVED", "接收"), of: ({ network }) => (network ? rate(network.rx) : "–") },
  { title: t("SENT", "发送"), of: ({ network }) => (network ? rate(network.tx) : "–") },
];

async function draw(context: Context, system: HostSample | null, rows: { vm: Vm; sample: VmSample }[]): Promise<void> {
  // From the top of an empty screen.
  process.stdout.write("\u001b[H\u001b[2J");
  if (system) {
    const { cpu, memory, network } = system;
    context.out.line(
      `${t("hosts", "主机")}  CPU ${percent(cpu.usage)} / ${cpu.cores}  ${t("memory", "内存")} ${percent(memory.usage)}  ↓ ${rate(network.rx)}  ↑ ${rate(network.tx)}\n`.trim(),
    );
  }
  await context.out.list(rows.map(toRow), columns, t("No machine runs", "没有运行中的虚拟机"), ({ id }) => id);
}
