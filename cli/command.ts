/** How commands are declared: options that all of them have, and what a command does when it is called. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type CommonOptions, Context, type WaitingOptions } from "./context.ts";
import { t } from "./language.ts";

const heading = t("Options of every command:", "通用选项：");

/** Where, and as whom. They stand before the command, or after it. */
export function addTargetOptions(command: Command): Command {
  return addUnderHeading(command, [
    new Option(
      "--profile <name>",
      t("log in there (see `voidvm profile list`)", "使用的登录配置（见 `voidvm profile list`）"),
    ),
    new Option("--url <address>", t("address of the server, or VOIDVM_URL", "服务器地址，或用 VOIDVM_URL")),
  ]);
}

export function addCommonOptions(command: Command): Command {
  return addUnderHeading(addTargetOptions(command), [
    new Option("--json", t("print JSON", "输出 JSON")),
    new Option("-q, --quiet", t("print ids, or nothing", "仅输出 ID，或不输出")),
    new Option("--raw", t("print control characters as they come", "原样输出控制字符")),
  ]);
}

function addUnderHeading(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option.helpGroup(heading));
  return command;
}

type Work<Options> = (context: Context, options: Options & CommonOptions, ...args: never[]) => Promise<void>;

/** A command that does something. `usage` is its name and its arguments. */
export function declare<Options>(parent: Command, usage: string, about: string, work: Work<Options>): Command {
  return does(addCommonOptions(parent.command(usage).description(about)), work);
}

/** What a command does when it is called. */
export function does<Options>(command: Command, work: Work<Options>): Command {
  return command.action(async (...given: unknown[]) => {
    given.pop();
    given.pop();
    const options = command.optsWithGlobals<Options & CommonOptions>();
    await work(new Context(options), options, ...(given as never[]));
  });
}

export function addWaiting(command: Command): Command {
  return command
    .option("--no-wait", t("return as soon as the server has taken it", "提交后立即返回，不等待完成"))
    .option("--timeout <seconds>", t("wait no longer", "最长等待秒数"), wholeNumber);
}

export function addYes(command: Command): Command {
  return command.option("-y, --yes", t("don't ask", "不再询问"));
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(t("A whole number, please.", "请输入整数。"));
  return Number(text);
}

/** MiB, from `2048`, `2048M` or `2G`. */
export function memorySize(text: string): number {
  const [, amount, unit = "M"] = /^(\d{1,9})\s*([MGT])?(?:i?B)?$/i.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError(t("Like 2048, 2048M or 2G.", "例如 2048、2048M 或 2G。"));
  return Number(amount) * { M: 1, G: 1024, T: 1_048_576 }[unit.toUpperCase() as "M" | "G" | "T"];
}

/** GiB, from `20`, `20G` or `1T`. */
export function diskSize(text: string): number {
  const [, amount, unit = "G"] = /^(\d{1,9})\s*([GT])?(?:i?B)?$/i.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError(t("Like 20, 20G or 1T.", "例如 20、20G 或 1T。"));
  return Number(amount) * (unit.toUpperCase() === "T" ? 1024 : 1);
}

/** `key=value`, several times. */
export function keyValue(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError(t("Like key=value.", "格式为 key=value。"));
  return { ...before, [key]: value };
}

export function listed(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** What was given; what was not doesn't stand in a request. */
export function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

export type { WaitingOptions };
