/** `voidvm vm start`, `stop` and the other actions: on several machines at once, side by side. */
import type { Command } from "commander";
import type { Operation, VmOperation, VoidVMClient } from "../../sdk/typescript/src/index.ts";
import { addWaiting, addYes, declare, given, type WaitingOptions, wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { t } from "../language.ts";
import { confirm } from "../prompt.ts";

export function addVmActions(vm: Command): void {
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
