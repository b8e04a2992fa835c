/** `voidvm vm …` */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { Option } from "commander";
import type { Operation, VmOperation, VoidVMClient, VmStatus } from "../../sdk/typescript/src/index.ts";
import { vmColumns, vmFields } from "../columns.ts";
import {
  addWaiting,
  addYes,
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
import { confirm } from "../prompt.ts";

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

  addActions(vm);
}

function addActions(vm: Command): void {
  addWaiting(
    declare<WaitingOptions>(
      vm,
      "start <vm...>",
      t("start machines", "启动虚拟机"),
      (context, options, names: string[]) =>
        act(context, names, options, t("runs", "已启动"), (client, name) => client.vms.start(name)),
    ),
  );
  addWaiting(
    declare<WaitingOptions & { force?: boolean; grace?: number }>(
      vm,
      "stop <vm...>",
      t("press the power button; cut the power if the guest does not obey", "关机；客户机不响应时强制断电"),
      (context, options, names: string[]) =>
        act(context, names, options, t("is off", "已停止"), (client, name) =>
          client.vms.stop(name, given({ force: options.force, timeout: options.grace })),
        ),
    )
      .option("--force", t("cut the power at once", "立即断电"))
      .option("--grace <seconds>", t("cut the power after so long", "等待多少秒后断电"), wholeNumber),
  );
  addWaiting(
    declare<WaitingOptions & { force?: boolean; grace?: number }>(
      vm,
      "restart <vm...>",
      t("off and on again, in a new process", "重启（新进程）"),
      (context, options, names: string[]) =>
        act(context, names, options, t("has restarted", "已重启"), (client, name) =>
          client.vms.restart(name, given({ mode: options.force ? "force" : undefined, timeout: options.grace })),
        ),
    )
      .option("--force", t("without asking the guest", "不等待客户机关机"))
      .option("--grace <seconds>", t("cut the power after so long", "等待多少秒后断电"), wholeNumber),
  );
  addWaiting(
    declare<WaitingOptions>(
      vm,
      "pause <vm...>",
      t("halt the vCPUs", "暂停虚拟机"),
      (context, options, names: string[]) =>
        act(context, names, options, t("is paused", "已暂停"), (client, name) => client.vms.pause(name)),
    ),
  );
  addWaiting(
    declare<WaitingOptions>(vm, "resume <vm...>", t("let it go on", "恢复运行"), (context, options, names: string[]) =>
      act(context, names, options, t("runs again", "已恢复运行"), (client, name) => client.vms.resume(name)),
    ),
  );
  addWaiting(
    declare<WaitingOptions>(
      vm,
      "reset <vm...>",
      t("press the reset button", "硬重置"),
      (context, options, names: string[]) =>
        act(context, names, options, t("was reset", "已重置"), (client, name) => client.vms.reset(name)),
    ),
  );
  addYes(
    addWaiting(
      declare<WaitingOptions & { force?: boolean; yes?: boolean }>(
        vm,
        "delete <vm...>",
        t("delete machines with their disks", "删除虚拟机及其磁盘"),
        async (context, options, names: string[]) => {
          const what = t(`This deletes ${names.join(", ")} and its disk.`, `将删除 ${names.join("、")} 及其磁盘。`);
          await confirm(what, options.yes ?? false);
          await act(context, names, options, t("is deleted", "已删除"), (client, name) =>
            client.vms.delete(name, { force: options.force }),
          );
        },
      ).option("--force", t("although it runs", "即使正在运行")),
    ),
  );
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

/** All of them are asked first, so that hosts work side by side. */
async function act(
  context: Context,
  names: readonly string[],
  options: WaitingOptions,
  outcome: string,
  ask: (client: VoidVMClient, name: string) => Promise<VmOperation>,
): Promise<void> {
  const client = await context.client();
  const accepted = new Map<string, Operation>();
  await context.each(names, async (name) => {
    accepted.set(name, await ask(client, name));
  });
  await context.each([...accepted.keys()], async (name) => {
    let operation = accepted.get(name) as Operation;
    if (options.wait === false) {
      const text = t(
        `${name}: ${operation.kind} is under way: ${operation.id}`,
        `${name}：${operation.kind} 已提交：${operation.id}`,
      );
      return context.out.done(text, operation, operation.id);
    }
    operation = await context.follow(client, name, operation, options);
    context.out.done(`${name} ${outcome}`, operation);
  });
}
