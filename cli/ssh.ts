/**
 * The system's own ssh, with a tunnel in place of a network: keys, agent, configuration and known hosts work as ever.
 *
 * A machine's host key is remembered by the machine's id, which is never given twice, so another machine of the same name is another
 * host.
 */
import { spawn } from "node:child_process";
import type { Vm, VoidVMClient } from "../sdk/typescript/src/index.ts";
import type { Context } from "./context.ts";
import { exitCodes, UserError } from "./exit-codes.ts";
import { t } from "./language.ts";

/** ssh's options that take a value. */
const withValue = "BbcDEeFIiJLlmOopQRSWw";

/** ssh's own exit code. */
export async function runSsh(context: Context, client: VoidVMClient, given: readonly string[]): Promise<number> {
  const at = destinationIndex(given);
  const destination = given[at];
  if (destination === undefined) {
    throw new UserError(t("Which machine? voidvm ssh [user@]vm", "请指定虚拟机：voidvm ssh [user@]vm"));
  }
  const [, user, name = ""] = /^(?:(.*)@)?([^@]*)$/s.exec(destination) ?? [];
  const vm = await client.vms.get(name, { signal: context.signal });
  const own = given.slice(0, at);
  const port = portOf(own);
  const hasUser = user !== undefined || own.some((option) => option.startsWith("-l"));
  const options = await sshOptions(context, client, vm, port, hasUser ? null : undefined);
  const login = user === undefined ? vm.id : `${user}@${vm.id}`;
  // Of options that come twice ssh takes the first, so the caller's stand before ours.
  const all = [
    ...own,
    ...options.flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    "--",
    login,
    ...given.slice(at + 1),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn("ssh", all, { stdio: "inherit" });
    // Ctrl-C is ssh's to act on.
    process.removeAllListeners("SIGINT").on("SIGINT", () => {});
    child.on("error", (error: NodeJS.ErrnoException) => {
      const message = t("There is no ssh here: install openssh-client", "未找到 ssh：请安装 openssh-client");
      reject(error.code === "ENOENT" ? new UserError(message, exitCodes.failed) : error);
    });
    child.on("exit", (code) => resolve(code ?? exitCodes.interrupted));
  });
}

/** A block of ~/.ssh/config. */
export async function sshConfig(
  context: Context,
  client: VoidVMClient,
  name: string,
  user: string | undefined,
): Promise<string> {
  const vm = await client.vms.get(name, { signal: context.signal });
  const options = await sshOptions(context, client, vm, 22, user);
  return [`Host ${vm.name}`, `  HostName ${vm.id}`, ...options.map(([key, value]) => `  ${key} ${value}`), ""].join(
    "\n",
  );
}

/** `user`: undefined is the image's own, null is whatever ssh takes. */
async function sshOptions(
  context: Context,
  client: VoidVMClient,
  vm: Vm,
  port: number,
  user: string | null | undefined,
): Promise<[string, string][]> {
  const login = user === undefined ? await usualUser(context, client, vm) : user;
  return [
    ["ProxyCommand", await proxyCommand(context, vm.id, port)],
    ["HostKeyAlias", vm.id],
    ["StrictHostKeyChecking", "accept-new"],
    ["CheckHostIP", "no"],
    ...(login === null ? [] : [["User", login] satisfies [string, string]]),
  ];
}

/** An image that is gone names nobody. */
async function usualUser(context: Context, client: VoidVMClient, vm: Vm): Promise<string | null> {
  const image = await client.images.get(vm.image, { signal: context.signal }).catch(() => null);
  return image?.defaultUser ?? null;
}

/** This program once more. Tokens come by the profile or the environment, never as an argument. */
async function proxyCommand(context: Context, id: string, port: number): Promise<string> {
  const { url, profile, usesProfile } = await context.login();
  const where = usesProfile ? ["--profile", profile] : ["--url", url];
  const own = [process.execPath, ...process.execArgv, process.argv[1] ?? "voidvm"];
  // ssh gives it to a shell, and replaces what follows a percent sign before that.
  const words = [...own, "tunnel", ...where, id, String(port)];
  return words
    .map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ")
    .replaceAll("%", "%%");
}

/** Where in ssh's arguments the destination stands. */
export function destinationIndex(given: readonly string[]): number {
  for (let index = 0; index < given.length; index++) {
    const word = given[index] ?? "";
    if (word === "--") return index + 1;
    if (!word.startsWith("-") || word === "-") return index;
    // Letters may stand together; one that takes a value takes the rest, or the next word.
    const letters = word.slice(1).split("");
    const taking = letters.findIndex((letter) => withValue.includes(letter));
    if (taking >= 0 && taking === letters.length - 1) index++;
  }
  return given.length;
}

/** ssh's `-p` is the guest's port; there is no network that it could otherwise mean. */
function portOf(options: readonly string[]): number {
  for (const [index, word] of options.entries()) {
    const [, value] = /^-p(\d*)$/.exec(word) ?? [];
    if (value !== undefined) return Number(value || options[index + 1]) || 22;
  }
  return 22;
}
