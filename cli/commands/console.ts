/** `voidvm console`: a machine's serial console in this terminal. */
import type { Command } from "commander";
import { type ByteStream, VoidVMError } from "../../sdk/typescript/src/index.ts";
import { declare } from "../command.ts";
import type { Context } from "../context.ts";
import { UserError } from "../exit-codes.ts";
import { t } from "../language.ts";
import { TerminalFilter } from "../terminal/filter.ts";
import { withRawMode } from "../terminal/raw-mode.ts";

interface ConsoleOptions {
  readonly detach: string;
  readonly takeOver?: boolean;
  readonly viewOnly?: boolean;
  readonly raw?: boolean;
}

export function addConsoleCommand(program: Command): void {
  declare<ConsoleOptions>(
    program,
    "console <vm>",
    t("use a machine's serial console", "使用虚拟机串口控制台"),
    async (context, options, name: string) => openConsole(context, options, name),
  )
    .option("--detach <key>", t("leaves the console (ctrl-])", "退出控制台的按键（ctrl-]）"), "ctrl-]")
    .option("--take-over", t("write although somebody else does", "从他人手中接管输入"))
    .option("--view-only", t("only look", "只读"));
}

async function openConsole(context: Context, options: ConsoleOptions, name: string): Promise<void> {
  const detachKey = controlKey(options.detach);
  const client = await context.socketClient();
  const stream = await client.vms.serial(name, {
    signal: context.signal,
    viewOnly: options.viewOnly,
    takeOver: options.takeOver,
    onGap: (bytes) => context.out.note(t(`[${bytes} bytes were left out]`, `[略过 ${bytes} 字节]`)),
    onWriter: (writable) =>
      context.out.note(
        writable ? t("[you write]\r", "[可以输入]\r") : t("[somebody else writes]\r", "[他人正在输入]\r"),
      ),
  });
  context.out.note(t(`[${name}: ${options.detach} leaves]`, `[${name}：按 ${options.detach} 退出]`));
  if (!stream.isWriter && !options.viewOnly && !options.takeOver) {
    context.out.note(t("[somebody else writes: --take-over]", "[他人正在输入：可用 --take-over 接管]"));
  }
  await withRawMode(async () => {
    const typing = type(stream, detachKey);
    await show(stream, options.raw ?? false);
    typing.end();
  });
  const ending = await stream.closed;
  if (ending instanceof VoidVMError) throw ending;
  context.out.note(t("\r\n[left]", "\r\n[已退出]").trim());
}

/** Until the detach key, or until stdin has no more; what a machine says is shown on. */
function type(stream: ByteStream, detachKey: number): { end: () => void } {
  const writer = stream.writable.getWriter();
  const onData = (data: Buffer) => {
    const at = process.stdin.isTTY ? data.indexOf(detachKey) : -1;
    const typed = at < 0 ? data : data.subarray(0, at);
    // A stream that is over says so to whoever reads it.
    if (typed.length > 0) writer.write(typed).catch(() => {});
    if (at >= 0) stream.close();
  };
  process.stdin.on("data", onData);
  return { end: () => process.stdin.off("data", onData) };
}

async function show(stream: ByteStream, raw: boolean): Promise<void> {
  const filter = new TerminalFilter();
  const reader = stream.readable.getReader();
  for (;;) {
    // How it ended is told by `closed`.
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }) as const);
    if (done) return;
    const fits = process.stdout.write(raw ? value : filter.push(value));
    if (!fits) await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}

/** The byte that a terminal sends for `ctrl-]` or `^]`. */
export function controlKey(name: string): number {
  const [, key] = /^(?:ctrl-|\^)([@-_a-z])$/i.exec(name) ?? [];
  if (key === undefined) {
    throw new UserError(
      t(`A detach key is like ctrl-] or ctrl-a, not '${name}'`, `退出按键应如 ctrl-] 或 ctrl-a，而非 '${name}'`),
    );
  }
  return key.toUpperCase().charCodeAt(0) & 0x1f;
}
