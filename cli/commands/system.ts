/** `voidvm system …`, `config …` */
import type { Command } from "commander";
import type { SystemInfo } from "../../sdk/typescript/src/index.ts";
import { declare } from "../command.ts";
import { UserError } from "../exit-codes.ts";
import { t } from "../language.ts";
import type { Column } from "../output/output.ts";

const infoFields: Column<SystemInfo>[] = [
  { title: t("VERSION", "版本"), of: ({ version }) => version },
  { title: t("UP SINCE", "启动时间"), of: ({ startedAt }) => startedAt },
  { title: t("HOSTS", "主机"), of: ({ hosts }) => `${hosts.online}/${hosts.total} ${t("online", "在线")}` },
  { title: t("WITH KVM", "支持 KVM"), of: ({ hosts }) => String(hosts.withKvm) },
  { title: "CPU", of: ({ hosts }) => `${hosts.allocated.cpu}/${hosts.capacity.cpu}` },
  { title: t("MEMORY", "内存"), of: ({ hosts }) => `${hosts.allocated.memory}/${hosts.capacity.memory} MiB` },
  { title: t("DISK", "磁盘"), of: ({ hosts }) => `${hosts.allocated.disk}/${hosts.capacity.disk} GiB` },
  { title: "QEMU", of: ({ hosts }) => hosts.qemuVersions.join(" ") || "–" },
  { title: t("MACHINES", "虚拟机"), of: ({ vms }) => `${vms.total} ${counts(vms.byStatus)}` },
];

export function addSystemCommands(program: Command): void {
  const system = program.command("system").description(t("what this installation is", "系统"));
  declare(system, "info", t("version, hosts and their room", "版本、主机与资源"), async (context) => {
    const info = await (await context.client()).system.info({ signal: context.signal });
    await context.out.record(info, infoFields, info.version);
  });
  declare<{ period?: "1h" }>(system, "stats", t("how it has been", "历史统计"), async (context, { period = "1h" }) => {
    const stats = await (await context.client()).system.stats({ period }, { signal: context.signal });
    const columns: Column<(typeof stats)["series"][number]>[] = [
      { title: t("TIME", "时间"), of: ({ at }) => at },
      { title: t("HOSTS", "主机"), of: ({ hosts }) => `${hosts.online}/${hosts.total}` },
      { title: t("MACHINES", "虚拟机"), of: ({ vms }) => counts(vms) },
      { title: "CPU", of: ({ allocated, capacity }) => `${allocated.cpu}/${capacity.cpu}` },
      { title: t("MEMORY", "内存"), of: ({ allocated, capacity }) => `${allocated.memory}/${capacity.memory} MiB` },
    ];
    if (context.out.json) return context.out.data(stats);
    await context.out.list(stats.series, columns, t("Nothing was measured yet", "暂无数据"), ({ at }) => at);
  }).option("--period <period>", t("1h, 24h, 7d or 30d (1h)", "1h、24h、7d 或 30d（1h）"));
  declare(
    system,
    "health",
    t("whether the server answers; needs no login", "服务是否可用，无需登录"),
    async (context) => {
      const health = await context.clientFor((await context.login()).url).system.health({ signal: context.signal });
      context.out.done(`${health.status} ${health.version}`, health);
    },
  );
  declare(
    system,
    "metrics",
    t("figures for Prometheus (administrators)", "Prometheus 指标（管理员）"),
    async (context) => {
      process.stdout.write(await (await context.client()).system.metrics({ signal: context.signal }));
    },
  );
  declare(system, "openapi", t("the OpenAPI document", "OpenAPI 文档"), async (context) => {
    context.out.data(await context.clientFor((await context.login()).url).system.openapi({ signal: context.signal }));
  });

  const config = program.command("config").description(t("how it is set (administrators)", "系统配置（管理员）"));
  declare(config, "show", t("show all settings", "查看配置"), async (context) => {
    const settings = await (await context.client()).config.get({ signal: context.signal });
    const entries = flat(settings);
    const columns = [
      { title: t("SETTING", "配置项"), of: ({ key }: { key: string }) => key },
      { title: t("VALUE", "值"), of: ({ value }: { value: string }) => value },
    ];
    if (context.out.json) return context.out.data(settings);
    await context.out.list(entries, columns, "", ({ key }) => key);
  });
  declare(
    config,
    "set <setting=value...>",
    t("like limits.requestsPerMinute=200", "例如 limits.requestsPerMinute=200"),
    async (context, _, settings: string[]) => {
      const body: Record<string, Record<string, string | number>> = {};
      for (const setting of settings) {
        const [, group, key, value] = /^(\w+)\.(\w+)=(.+)$/.exec(setting) ?? [];
        if (group === undefined || key === undefined || value === undefined) {
          throw new UserError(
            t(
              `Not like limits.requestsPerMinute=200: '${setting}'`,
              `格式应如 limits.requestsPerMinute=200：'${setting}'`,
            ),
          );
        }
        body[group] = { ...body[group], [key]: /^\d+$/.test(value) ? Number(value) : value };
      }
      const changed = await (await context.client()).config.update(body as never, { signal: context.signal });
      context.out.done(t("It is set", "配置已更新"), changed);
    },
  );
}

function flat(settings: object): { key: string; value: string }[] {
  return Object.entries(settings).flatMap(([group, values]: [string, object]) =>
    Object.entries(values).map(([key, value]) => ({ key: `${group}.${key}`, value: String(value) })),
  );
}

function counts(byStatus: Readonly<Record<string, number>>): string {
  return Object.entries(byStatus)
    .map(([status, count]) => `${count} ${status}`)
    .join(", ");
}
