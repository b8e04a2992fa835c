/** What commander finds wrong with a command line, in the reader's language. */
import type { CommanderError } from "commander";
import { UserError } from "./exit-codes.ts";
import { t } from "./language.ts";

/** Null: it was asked for help or for the version, and has given it. */
export function usageError({ code, message }: CommanderError): UserError | null {
  if (code === "commander.helpDisplayed" || code === "commander.version") return null;
  const english = message.replace(/^error: /, "").replace(/\n.*/s, "");
  const suggestion = /\(Did you mean ([^)]+)\?\)/.exec(message)?.[1];
  const subject = /'([^']*)'/.exec(message)?.[1] ?? "";
  const chinese: Readonly<Record<string, string>> = {
    "commander.unknownCommand": `没有命令 '${subject}'`,
    "commander.unknownOption": `没有选项 '${subject}'`,
    "commander.missingArgument": `缺少参数 '${subject}'`,
    "commander.excessArguments": "参数过多",
    "commander.missingMandatoryOptionValue": `缺少选项 '${subject}'`,
    "commander.optionMissingArgument": `选项 '${subject}' 缺少值`,
    "commander.invalidArgument": `选项的值无效：${message.split(/\. |。/).at(-1) ?? ""}`,
    "commander.help": "请指定命令",
  };
  const what = code === "commander.help" ? t("Which command?", "请指定命令") : t(english, chinese[code] ?? english);
  const hint = suggestion === undefined ? "" : t(` Did you mean ${suggestion}?`, ` 是否想输入 ${suggestion}？`);
  return new UserError(`${what}.${hint} ${t("`--help` shows what there is.", "用 `--help` 查看用法。")}`);
}
