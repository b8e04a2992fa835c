/** `voidvm user …`, `token …`, `role`, `permission` */
import type { Command } from "commander";
import { tokenColumns, userColumns, userFields } from "../columns.ts";
import { addYes, declare, given, listed } from "../command.ts";
import { UserError } from "../exit-codes.ts";
import { all } from "../context.ts";
import { tokenId, userId } from "../find.ts";
import { t } from "../language.ts";
import { confirm, readSecret } from "../prompt.ts";

interface UserOptions {
  readonly name?: string;
  readonly email?: string;
  readonly role?: "admin" | "user";
  readonly permission?: string[];
  readonly plan?: "none" | "free";
  readonly status?: "active" | "disabled";
  readonly setPassword?: boolean;
}

export function addUserCommands(program: Command): void {
  const user = program.command("user").description(t("accounts (administrators)", "用户（管理员）"));

  declare(user, "list", t("list users", "列出用户"), async (context) => {
    const users = await all((await context.client()).users.iterate({}, { signal: context.signal }));
    await context.out.list(users, userColumns, t("There are none", "没有用户"), ({ id }) => id);
  });
  declare(user, "show <user>", t("show a user", "查看用户"), async (context, _, id: string) => {
    const client = await context.client();
    const found = await client.users.get(await userId(client, id, context.signal), { signal: context.signal });
    await context.out.record(found, userFields, found.id);
  });
  const create = declare<UserOptions>(
    user,
    "create <username>",
    t("make a user; the password is asked for, or read from stdin", "创建用户；密码通过提示或标准输入读取"),
    async (context, options, username: string) => {
      const password = await newPassword();
      const client = await context.client();
      const made = await client.users.create({ username, password, ...changes(options) }, { signal: context.signal });
      context.out.done(
        t(`${made.username} is there: ${made.id}`, `已创建 ${made.username}：${made.id}`),
        made,
        made.id,
      );
    },
  );
  addUserOptions(create);
  const update = declare<UserOptions>(
    user,
    "update <user>",
    t("change a user", "修改用户"),
    async (context, options, id: string) => {
      const { name, status, setPassword } = options;
      const password = setPassword ? await newPassword() : undefined;
      const body = { ...changes(options), ...given({ username: name, status, password }) };
      const client = await context.client();
      const changed = await client.users.update(await userId(client, id, context.signal), body, {
        signal: context.signal,
      });
      context.out.done(t(`${changed.username} is changed`, `${changed.username} 已修改`), changed, changed.id);
    },
  );
  addUserOptions(update)
    .option("--name <username>", t("the new name", "新用户名"))
    .option("--status <status>", t("active or disabled", "active 或 disabled"))
    .option("--set-password", t("ask for a new password, or read it from stdin", "设置新密码（提示或标准输入）"));
  addYes(
    declare<{ yes?: boolean }>(
      user,
      "delete <user...>",
      t("delete users", "删除用户"),
      async (context, { yes = false }, ids: string[]) => {
        await confirm(t(`This deletes ${ids.join(", ")}.`, `将删除 ${ids.join("、")}。`), yes);
        const client = await context.client();
        await context.each(ids, async (id) => {
          await client.users.delete(await userId(client, id, context.signal), { signal: context.signal });
          context.out.done(t(`${id} is deleted`, `${id} 已删除`), { id });
        });
      },
    ),
  );

  declare(
    program.command("role").description(t("roles", "角色")),
    "list",
    t("list roles", "列出角色"),
    async (context) => {
      const roles = await (await context.client()).roles.list({ signal: context.signal });
      const columns = [
        { title: t("ROLE", "角色"), of: ({ name }: { name: string }) => name },
        { title: t("WHAT IT IS", "说明"), of: ({ description }: { description: string }) => description },
        { title: t("GRANTS", "授权"), of: ({ grants }: { grants: string[] }) => grants.join(" ") },
      ];
      await context.out.list(roles, columns as never, "", ({ name }) => name);
    },
  );
  declare(
    program.command("permission").description(t("permissions", "权限")),
    "list",
    t("list what there is to be allowed", "列出全部权限"),
    async (context) => {
      const permissions = await (await context.client()).permissions.list({ signal: context.signal });
      const columns = [
        { title: t("PERMISSION", "权限"), of: ({ name }: { name: string }) => name },
        { title: t("WHAT IT ALLOWS", "说明"), of: ({ description }: { description: string }) => description },
      ];
      await context.out.list(permissions, columns, "", ({ name }) => name);
    },
  );
}

export function addTokenCommands(program: Command): void {
  const token = program.command("token").description(t("personal access tokens, for programs", "个人访问令牌"));

  declare(token, "list", t("list one's tokens", "列出令牌"), async (context) => {
    const tokens = await all((await context.client()).tokens.iterate({}, { signal: context.signal }));
    await context.out.list(tokens, tokenColumns, t("There are none", "没有令牌"), ({ id }) => id);
  });
  declare<{ scope?: string[]; expires?: string }>(
    token,
    "create <name>",
    t("make a token; it is shown once", "创建令牌（仅显示一次）"),
    async (context, { scope = ["*"], expires }, name: string) => {
      const expiresAt = expires === undefined ? undefined : new Date(expires);
      if (expiresAt && Number.isNaN(expiresAt.getTime()))
        throw new UserError(t("--expires is a date, like 2027-01-31", "--expires 为日期，例如 2027-01-31"));
      const body = { name, scopes: scope as never, ...given({ expiresAt: expiresAt?.toISOString() }) };
      const made = await (await context.client()).tokens.create(body, { signal: context.signal });
      context.out.done(made.token, made, made.token);
      context.out.note(t("→ Keep it: it is not shown again", "→ 请妥善保存：令牌不会再次显示"));
    },
  )
    .option(
      "--scope <permission>",
      t("like vm:read; may come several times (all)", "如 vm:read，可多次使用（默认全部）"),
      listed,
    )
    .option("--expires <date>", t("when it stops being good (never)", "到期日期（默认不过期）"));
  addYes(
    declare<{ yes?: boolean }>(
      token,
      "delete <token...>",
      t("revoke tokens", "吊销令牌"),
      async (context, { yes = false }, ids: string[]) => {
        await confirm(t(`This revokes ${ids.join(", ")}.`, `将吊销 ${ids.join("、")}。`), yes);
        const client = await context.client();
        await context.each(ids, async (id) => {
          await client.tokens.delete(await tokenId(client, id, context.signal), { signal: context.signal });
          context.out.done(t(`${id} is revoked`, `${id} 已吊销`), { id });
        });
      },
    ),
  );
}

function addUserOptions(command: Command): Command {
  return command
    .option("--email <address>", t("e-mail address", "邮箱"))
    .option("--role <role>", t("admin or user", "admin 或 user"))
    .option(
      "--permission <change>",
      t("like +host:read or -vm:delete; may come several times", "如 +host:read 或 -vm:delete，可多次使用"),
      listed,
    )
    .option("--plan <plan>", t("none or free", "none 或 free"));
}

function changes({ email, role, permission, plan }: UserOptions) {
  return given({ email, role, permissions: permission as never, plan });
}

/** Typed twice, since it isn't shown. */
export async function newPassword(): Promise<string> {
  const password = await readSecret(t("New password: ", "新密码："));
  if (!process.stdin.isTTY) return password;
  if ((await readSecret(t("Once more: ", "再次输入："))) === password) return password;
  throw new UserError(t("They differ. Nothing was done.", "两次输入不一致，未执行任何操作。"));
}
