/** Questions at the terminal, on stderr, so that stdout stays the command's result. */
import { createInterface } from "node:readline/promises";
import { text as readAll } from "node:stream/consumers";
import { Interrupted, UserError } from "./exit-codes.ts";
import { t } from "./language.ts";
import { withRawMode } from "./terminal/raw-mode.ts";

/** Not shown while it is typed. Where stdin is no terminal, its first line. */
export async function readSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) return ((await readAll(process.stdin)).split(/\r?\n/, 1)[0] ?? "").trimEnd();
  process.stderr.write(question);
  let typed = "";
  await withRawMode(
    () =>
      new Promise<void>((resolve, reject) => {
        const onData = (data: Buffer) => {
          for (const key of data.toString("utf8")) {
            if (key === "\r" || key === "\n") return done(resolve);
            if (key === "\u0003" || (key === "\u0004" && typed === "")) return done(() => reject(new Interrupted()));
            if (key === "\u007f" || key === "\b") typed = typed.replace(/.$/su, "");
            else if (key === "\u0015") typed = "";
            else if (key >= " ") typed += key;
          }
        };
        const done = (end: () => void) => {
          process.stdin.off("data", onData);
          process.stderr.write("\n");
          end();
        };
        process.stdin.on("data", onData);
      }),
  );
  return typed;
}

export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } catch {
    // Ctrl-C or Ctrl-D at the question.
    throw new Interrupted();
  } finally {
    lines.close();
  }
}

/** Before something that can't be taken back. */
export async function confirm(what: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) {
    throw new UserError(t(`${what} Add --yes to do it without being asked.`, `${what} 如需跳过确认，请加上 --yes。`));
  }
  const answer = await ask(t(`${what} Really? [y/N] `, `${what} 确定吗？[y/N] `));
  if (!/^(y|yes|是)$/i.test(answer)) throw new UserError(t("Nothing was done.", "未执行任何操作。"), 1);
}
