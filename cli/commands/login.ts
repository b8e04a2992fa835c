/**
 * `voidvm login`, `logout`, `whoami`, `password`, `profile …`
 *
 * A login is exchanged for a personal access token of its own, which any number of commands may use at once: the refresh
 * token of a session is good once.
 */
import { hostname } from "node:os";
import type { Command } from "commander";
import { VoidVMError } from "../../sdk/typescript/src/index.ts";
import { userFields } from "../columns.ts";
import { declare, wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { UserError } from "../exit-codes.ts";
import { t } from "../language.ts";
import { apiUrl, readProfiles, saveProfile, useProfile } from "../profiles.ts";
import { ask, readSecret } from "../prompt.ts";
import { newPassword } from "./user.ts";

const dayMs = 86_400_000;

export function addLoginCommands(program: Command): void {
  declare<{ username?: string; days?: number }>(
    program,
    "login [address]",
    t("log in; the password is asked for, or read from stdin", "登录；密码通过提示或标准输入读取"),
    async (context, { username, days = 90 }, address?: string) => login(context, username, days, address),
  )
    .option("-u, --username <name>", t("who", "用户名"))
    .option("--days <n>", t("how long it lasts (90)", "有效天数（90）"), wholeNumber);

  declare(program, "logout", t("revoke what `login` got, and forget it", "吊销并删除本机登录"), async (context) => {
    const { url, profile } = await context.login();
    const saved = (await readProfiles()).profiles[profile];
    if (!saved || saved.url !== url)
      throw new UserError(t(`Not logged in as '${profile}'`, `配置 '${profile}' 未登录`));
    await revoke(context, saved.url, saved.token, saved.tokenId);
    await saveProfile(profile, null);
    context.out.done(t(`Logged out of ${url}`, `已退出 ${url}`), { profile, url });
  });

  declare(program, "whoami", t("who one is, and what one may do", "查看当前用户与权限"), async (context) => {
    const me = await (await context.client()).auth.me({ signal: context.signal });
    const allowed = { title: t("ALLOWED", "允许的操作"), of: () => me.allowed.join(" ") };
    await context.out.record(me, [...userFields, allowed], me.id);
  });

  declare(program, "password", t("change one's own password", "修改自己的密码"), async (context) => {
    if (!process.stdin.isTTY) throw new UserError(t("This asks at a terminal", "请在终端中运行"));
    const client = await context.client();
    const currentPassword = await readSecret(t("Current password: ", "当前密码："));
    await client.auth.changePassword({ currentPassword, newPassword: await newPassword() }, { signal: context.signal });
    context.out.done(t("The password is changed", "密码已修改"), {});
  });

  const profile = program.command("profile").description(t("where one is logged in", "登录配置"));
  declare(profile, "list", t("list profiles", "列出登录配置"), async (context) => {
    const { current, profiles } = await readProfiles();
    const entries = Object.entries(profiles).map(([name, { url, username }]) => ({
      name,
      url,
      username,
      current: name === current,
    }));
    const columns = [
      {
        title: t("PROFILE", "配置"),
        of: (entry: (typeof entries)[number]) => (entry.current ? `${entry.name} *` : entry.name),
      },
      { title: "URL", of: ({ url }: { url: string }) => url },
      { title: t("USER", "用户"), of: ({ username }: { username: string }) => username },
    ];
    await context.out.list(
      entries,
      columns,
      t("There are none yet: voidvm login", "尚无登录配置：voidvm login"),
      ({ name }) => name,
    );
  });
  declare(
    profile,
    "use <name>",
    t("make it the one that is meant where none is named", "设为默认配置"),
    async (context, _, name: string) => {
      await useProfile(name);
      context.out.done(t(`${name} is the current profile`, `当前配置为 ${name}`), { current: name });
    },
  );
}

async function login(
  context: Context,
  givenName: string | undefined,
  days: number,
  address: string | undefined,
): Promise<void> {
  const { url: usual, profile } = await context.login();
  const url = address === undefined ? usual : apiUrl(address);
  if (isInTheClear(url))
    context.out.note(
      t(
        "This connection is not encrypted: the password can be read on the way.",
        "连接未加密：密码可能在传输途中被窃取。",
      ),
    );
  const username = givenName ?? (process.stdin.isTTY ? await ask(t("User name: ", "用户名：")) : undefined);
  if (username === undefined || username === "")
    throw new UserError(t("Who? Add --username NAME", "请用 --username 指定用户名"));
  const password = await readSecret(t("Password: ", "密码："));

  const before = (await readProfiles()).profiles[profile];
  const client = context.clientFor(url);
  const { user } = await client.auth.login({ username, password }, { signal: context.signal });
  const name = `voidvm on ${hostname()} ${new Date().toISOString()}`.replaceAll(/[^ -~]/g, "").slice(-64);
  const expiresAt = new Date(Date.now() + days * dayMs).toISOString();
  const token = await client.tokens.create({ name, scopes: ["*"], expiresAt }, { signal: context.signal });
  await client.auth.logout({ signal: context.signal });
  await saveProfile(profile, { url, username: user.username, token: token.token, tokenId: token.id });
  if (before?.url === url) await revoke(context, url, before.token, before.tokenId);
  context.out.done(t(`Logged in at ${url} as ${user.username}`, `已以 ${user.username} 登录 ${url}`), {
    profile,
    url,
    username: user.username,
  });
}

/** A token that the server doesn't know any more is as good as revoked. */
async function revoke(context: Context, url: string, token: string, id: string): Promise<void> {
  try {
    await context.clientFor(url, token).tokens.delete(id, { signal: context.signal });
  } catch (error) {
    if (!(error instanceof VoidVMError && (error.status === 401 || error.status === 404))) throw error;
  }
}

function isInTheClear(address: string): boolean {
  const { protocol, hostname: host } = new URL(address);
  return protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);
}
