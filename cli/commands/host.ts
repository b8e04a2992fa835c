/** `voidvm host …`, for administrators. */
import type { Command } from "commander";
import { hostColumns, hostFields } from "../columns.ts";
import { addYes, declare, given, keyValue, wholeNumber } from "../command.ts";
import { all } from "../context.ts";
import { hostId } from "../find.ts";
import { t } from "../language.ts";
import { confirm } from "../prompt.ts";

export function addHostCommands(program: Command): void {
  const host = program.command("host").description(t("what machines run on (administrators)", "主机（管理员）"));

  declare(host, "list", t("list hosts", "列出主机"), async (context) => {
    const hosts = await all((await context.client()).hosts.iterate({}, { signal: context.signal }));
    await context.out.list(
      hosts,
      hostColumns,
      t("There are none yet: voidvm host add", "还没有主机：voidvm host add"),
      ({ id }) => id,
    );
  });
  declare(host, "show <host>", t("show a host", "查看主机"), async (context, _, name: string) => {
    const client = await context.client();
    const found = await client.hosts.get(await hostId(client, name, context.signal), { signal: context.signal });
    await context.out.record(found, hostFields, found.id);
  });
  declare<{ label?: Record<string, string> }>(
    host,
    "add <name>",
    t("add a host, and print the command to run on it", "添加主机，并输出需在其上运行的命令"),
    async (context, { label }, name: string) => {
      const added = await (
        await context.client()
      ).hosts.create({ name, ...given({ labels: label }) }, { signal: context.signal });
      context.out.done(added.enrolment.command, added, added.host.id);
      context.out.note(
        t(
          `→ Run this on ${name}, until ${added.enrolment.expiresAt}`,
          `→ 请在 ${added.enrolment.expiresAt} 之前于 ${name} 上运行以上命令`,
        ),
      );
    },
  ).option("--label <key=value>", t("may come several times", "标签，可多次使用"), keyValue);
  declare(
    host,
    "token <host>",
    t("print a new enrolment command", "输出新的注册命令"),
    async (context, _, name: string) => {
      const client = await context.client();
      const { enrolment } = await client.hosts.createToken(await hostId(client, name, context.signal), {
        signal: context.signal,
      });
      context.out.done(enrolment.command, enrolment, enrolment.token);
    },
  );
  declare<{ name?: string; label?: Record<string, string>; schedulable?: boolean; maintenance?: boolean }>(
    host,
    "update <host>",
    t("change a host", "修改主机"),
    async (context, { name, label, schedulable, maintenance }, wanted: string) => {
      const client = await context.client();
      const id = await hostId(client, wanted, context.signal);
      const body = given({ name, labels: label, schedulable, maintenance });
      const changed = await client.hosts.update(id, body, { signal: context.signal });
      context.out.done(t(`${changed.name} is changed`, `${changed.name} 已修改`), changed, changed.id);
    },
  )
    .option("--name <name>", t("its new name", "新名称"))
    .option("--label <key=value>", t("may come several times", "标签，可多次使用"), keyValue)
    .option("--schedulable", t("new machines may come to it", "允许新建虚拟机"))
    .option("--no-schedulable", t("no new machine comes to it", "不再接收新虚拟机"))
    .option(
      "--maintenance",
      t("its machines can only be stopped or deleted", "进入维护模式，其上的虚拟机只能停止或删除"),
    )
    .option("--no-maintenance", t("its machines can be used again", "结束维护模式"));
  declare<{ shutdown?: boolean; timeout?: number }>(
    host,
    "drain <host>",
    t("let no new machine come", "排空主机，不再接收新虚拟机"),
    async (context, { shutdown, timeout }, name: string) => {
      const client = await context.client();
      const id = await hostId(client, name, context.signal);
      const drained = await client.hosts.drain(id, given({ shutdown, timeout }), { signal: context.signal });
      const { vms } = drained.remaining;
      const text = t(
        `No new machine comes to ${drained.host.name}; ${vms} remain`,
        `${drained.host.name} 不再接收新虚拟机；仍有 ${vms} 台`,
      );
      context.out.done(text, drained, drained.host.id);
    },
  )
    .option("--shutdown", t("stop the machines that it has", "同时关闭其上的虚拟机"))
    .option(
      "--timeout <seconds>",
      t("what each has to obey the power button", "每台虚拟机响应关机的秒数"),
      wholeNumber,
    );
  declare(
    host,
    "release <host>",
    t("end the quarantine of a host whose key two agents used", "解除主机的隔离（密钥曾被两个代理使用）"),
    async (context, _, name: string) => {
      const client = await context.client();
      const id = await hostId(client, name, context.signal);
      const released = await client.hosts.release(id, { signal: context.signal });
      context.out.done(t(`${released.name} is released`, `${released.name} 已解除隔离`), released, released.id);
    },
  );
  declare(
    host,
    "upgrade <host...>",
    t("bring hosts' agents to the version of the edge", "将主机代理升级到边缘端的版本"),
    async (context, _, ids: string[]) => {
      const client = await context.client();
      await context.each(ids, async (id) => {
        const told = await client.hosts.upgrade(await hostId(client, id, context.signal), { signal: context.signal });
        const text = told.agentUpdate
          ? t(`${told.name} goes to ${told.agentUpdate.version}`, `${told.name} 正在升级到 ${told.agentUpdate.version}`)
          : t(`${told.name} has ${told.agentVersion}, the edge's own`, `${told.name} 已是 ${told.agentVersion}`);
        context.out.done(text, told, told.id);
      });
    },
  );
  addYes(
    declare<{ yes?: boolean; force?: boolean }>(
      host,
      "delete <host...>",
      t("let the cloud forget hosts", "从云中移除主机"),
      async (context, { yes = false, force }, ids: string[]) => {
        await confirm(t(`This forgets ${ids.join(", ")}.`, `将移除 ${ids.join("、")}。`), yes);
        const client = await context.client();
        await context.each(ids, async (id) => {
          await client.hosts.delete(await hostId(client, id, context.signal), { force, signal: context.signal });
          context.out.done(t(`${id} is forgotten`, `${id} 已移除`), { id });
        });
      },
    ).option("--force", t("although it has machines, which are forgotten too", "即使其上仍有虚拟机（一并遗忘）")),
  );
}
