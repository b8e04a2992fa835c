/** `voidvm vm …` */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import type { VmStatus } from "../../sdk/typescript/src/index.ts";
import { vmColumns, vmFields } from "../columns.ts";
import {
  addWaiting,
  declare,
  diskSize,
  given,
  keyValue,
  listed,
  memorySize,
  type WaitingOptions,
  wholeNumber,
} from "../command.ts";
import { all, type Context } from "../context.ts";
import { hostId } from "../find.ts";
import { t } from "../language.ts";
import { addVmActions } from "./vm-actions.ts";

interface Hardware {
  readonly cpu?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly description?: string;
  readonly label?: Record<string, string>;
  readonly autostart?: boolean;
  readonly protected?: boolean;
}

interface CreateOptions extends Hardware, WaitingOptions {
  readonly os?: string;
  readonly image?: string;
  readonly host?: string;
  readonly start?: boolean;
  readonly hostname?: string;
  readonly user?: string;
  readonly sshKey?: string[];
  readonly userData?: string;
}

interface ListOptions {
  readonly status?: VmStatus;
  readonly host?: string;
  readonly label?: string;
  readonly search?: string;
  readonly sort?: "name";
}

export function addVmCommands(program: Command): void {
  const vm = program.command("vm").description(t("virtual machines", "虚拟机"));

  declare<ListOptions>(
    vm,
    "list",
    t("list machines", "列出虚拟机"),
    async (context, { status, host, label, search, sort }) => {
      const client = await context.client();
      const query = given({ status, host, label, search, sort });
      const vms = await all(client.vms.iterate(query, { signal: context.signal }));
      const none = t(
        "There are none yet: voidvm vm create web-1 --start",
        "还没有虚拟机：voidvm vm create web-1 --start",
      );
      await context.out.list(vms, vmColumns, none, ({ id }) => id);
    },
  )
    .option("--status <status>", t("only these", "按状态筛选"))
    .option("--host <host>", t("only on this host", "按主机筛选"))
    .option("--label <key[=value]>", t("only with this label", "按标签筛选"))
    .option("--search <text>", t("only with this in their name", "按名称搜索"))
    .option("--sort <field>", t("a field, with - before it for descending", "排序字段，前缀 - 表示降序"));

  declare(vm, "show <vm>", t("show a machine", "查看虚拟机"), async (context, _, name: string) => {
    const found = await (await context.client()).vms.get(name, { signal: context.signal });
    await context.out.record(found, vmFields, found.id);
  });

  const create = declare<CreateOptions>(
    vm,
    "create <name>",
    t("create a machine", "创建虚拟机"),
    async (context, options, name: string) => createVm(context, options, name),
  );
  addHardware(create)
    .option("--os <name>", t("a system of `voidvm image list`", "系统，见 `voidvm image list`"))
    .option("--image <id>", t("an image's id, in place of --os", "镜像 ID，可代替 --os"))
    .option("--host <host>", t("where (administrators)", "指定主机（管理员）"))
    .option("--start", t("start it, too", "创建后立即启动"))
    .option("--hostname <name>", t("its own name", "主机名"))
    .option("--user <name>", t("the account on it", "登录用户"))
    .option(
      "--ssh-key <file>",
      t("public key that may log in; may come several times", "允许登录的公钥文件，可多次使用"),
      listed,
    )
    .option("--user-data <file>", t("a whole #cloud-config or script", "完整的 #cloud-config 或脚本"));
  addWaiting(create);

  const update = declare<Hardware & WaitingOptions & { name?: string }>(
    vm,
    "update <vm>",
    t("change a machine", "修改虚拟机"),
    async (context, options, id: string) => updateVm(context, options, id),
  );
  addHardware(update)
    .option("--name <name>", t("its new name", "新名称"))
    .option("--no-autostart", t("it does not start with its host", "不随主机启动"))
    .option("--no-protected", t("it may be deleted", "取消删除保护"));
  addWaiting(update);

  addVmActions(vm);
}

function addHardware(command: Command): Command {
  return command
    .option("--cpu <n>", t("vCPUs (1)", "vCPU 数（1）"), wholeNumber)
    .option("--memory <size>", t("MiB, or like 2G (512)", "内存，MiB 或如 2G（512）"), memorySize)
    .option("--disk <size>", t("GiB, or like 1T (10)", "磁盘，GiB 或如 1T（10）"), diskSize)
    .option("--description <text>", t("what it is for", "描述"))
    .option("--label <key=value>", t("may come several times", "标签，可多次使用"), keyValue)
    .addOption(new Option("--autostart", t("starts with its host", "随主机启动")))
    .addOption(new Option("--protected", t("refuses to be deleted", "禁止删除")));
}

async function createVm(context: Context, options: CreateOptions, name: string): Promise<void> {
  const { cpu = 1, memory = 512, disk = 10, os, image, host, description, label, autostart, start } = options;
  const { hostname, user, sshKey, userData } = options;
  const cloudInit = given({
    hostname,
    user,
    sshKeys: sshKey && (await Promise.all(sshKey.map(async (file) => (await readFile(file, "utf8")).trim()))),
    userData: userData === undefined ? undefined : await readFile(userData, "utf8"),
  });
  const client = await context.client();
  const hostWanted = host === undefined ? undefined : await hostId(client, host, context.signal);
  const created = await client.vms.create(
    {
      ...{ name, cpu, memory, disk },
      ...given({
        os,
        image,
        hostId: hostWanted,
        description,
        labels: label,
        autostart,
        protected: options.protected,
        start,
      }),
      ...(Object.keys(cloudInit).length > 0 ? { cloudInit } : {}),
    },
    { signal: context.signal },
  );
  if (options.wait === false || !created.operation) {
    return context.out.done(
      t(`${name} is being created: ${created.id}`, `正在创建 ${name}：${created.id}`),
      created,
      created.id,
    );
  }
  await context.follow(client, name, created.operation, options);
  const vm = await client.vms.get(created.id, { signal: context.signal });
  const next = start ? t(`voidvm console ${name}`, `voidvm console ${name}`) : `voidvm vm start ${name}`;
  context.out.done(t(`${name} is ${vm.status}: ${vm.id}`, `${name} 已创建，状态 ${vm.status}：${vm.id}`), vm, vm.id);
  context.out.note(`→ ${next}`);
}

async function updateVm(
  context: Context,
  options: Hardware & WaitingOptions & { name?: string },
  id: string,
): Promise<void> {
  const { name, cpu, memory, disk, description, label, autostart } = options;
  const body = given({ name, cpu, memory, disk, description, labels: label, autostart, protected: options.protected });
  const client = await context.client();
  const vm = await client.vms.update(id, body, { signal: context.signal });
  if (options.wait !== false && vm.operation?.kind === "vm.update") {
    await context.follow(client, vm.name, vm.operation, options);
  }
  context.out.done(t(`${vm.name} is changed`, `${vm.name} 已修改`), vm, vm.id);
  if (vm.requiresRestart)
    context.out.note(t(`→ voidvm vm restart ${vm.name} makes it so`, `→ 重启后生效：voidvm vm restart ${vm.name}`));
}
