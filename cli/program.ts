/** All commands. */
import { Command } from "commander";
import { addCommonOptions } from "./command.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addConsoleCommand } from "./commands/console.ts";
import { addHostCommands } from "./commands/host.ts";
import { addLiveCommands } from "./commands/live.ts";
import { addLoginCommands } from "./commands/login.ts";
import { addNetworkCommands } from "./commands/network.ts";
import { addImageCommands, addOperationCommands, addRecordCommands } from "./commands/resources.ts";
import { addSystemCommands } from "./commands/system.ts";
import { addTokenCommands, addUserCommands } from "./commands/user.ts";
import { addVmCommands } from "./commands/vm.ts";
import { t } from "./language.ts";
import { style } from "./output/style.ts";

export function makeProgram(version: string): Command {
  const program = new Command("voidvm");
  program
    .description(t("Virtual machines on KVM hosts anywhere.", "管理任意位置 KVM 主机上的虚拟机。"))
    .version(version, "--version", t("print the version", "输出版本号"))
    .enablePositionalOptions()
    // What goes wrong is told in one place, with the right exit code.
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption("-h, --help", t("show this", "显示帮助"))
    .helpCommand(false)
    .configureHelp({ styleTitle: (title) => style("bold", titles[title] ?? title) });
  addCommonOptions(program);
  addLoginCommands(program);
  addVmCommands(program);
  addConsoleCommand(program);
  addNetworkCommands(program);
  addLiveCommands(program);
  addImageCommands(program);
  addHostCommands(program);
  addOperationCommands(program);
  addUserCommands(program);
  addTokenCommands(program);
  addSystemCommands(program);
  addRecordCommands(program);
  addCompletionCommand(program);
  return program;
}

const titles: Readonly<Record<string, string>> = {
  "Usage:": t("Usage:", "用法："),
  "Options:": t("Options:", "选项："),
  "Commands:": t("Commands:", "命令："),
  "Arguments:": t("Arguments:", "参数："),
};
