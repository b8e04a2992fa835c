/** `voidvm image …`, `operation …`, `audit`, `logs`, `role`, `permission` */
import type { Command } from "commander";
import { auditColumns, imageColumns, imageFields, logColumns, operationColumns, operationFields } from "../columns.ts";
import { addYes, declare, diskSize, given, wholeNumber } from "../command.ts";
import { all } from "../context.ts";
import { imageId, userId } from "../find.ts";
import { t } from "../language.ts";
import { confirm } from "../prompt.ts";

interface ImageOptions {
  readonly source: string;
  readonly sha256: string;
  readonly format: "qcow2" | "raw";
  readonly os: string;
  readonly minDisk?: number;
  readonly defaultUser?: string;
}

export function addImageCommands(program: Command): void {
  const image = program.command("image").description(t("what machines are made from", "镜像"));

  declare(image, "list", t("list images", "列出镜像"), async (context) => {
    const images = await all((await context.client()).images.iterate({}, { signal: context.signal }));
    await context.out.list(images, imageColumns, t("There are none", "没有镜像"), ({ id }) => id);
  });
  declare(image, "show <image>", t("show an image", "查看镜像"), async (context, _, id: string) => {
    const client = await context.client();
    const found = await client.images.get(await imageId(client, id, context.signal), { signal: context.signal });
    await context.out.record(found, imageFields, found.id);
  });
  declare<ImageOptions>(
    image,
    "create <name>",
    t("add an image that hosts fetch from an address (administrators)", "添加镜像（管理员）"),
    async (context, { source, sha256, os, format, minDisk, defaultUser }, name: string) => {
      const body = { name, url: source, sha256, format, os, ...given({ minDisk, defaultUser }) };
      const made = await (await context.client()).images.create(body, { signal: context.signal });
      context.out.done(t(`${made.os} is there: ${made.id}`, `已添加 ${made.os}：${made.id}`), made, made.id);
    },
  )
    .requiredOption("--source <address>", t("where hosts fetch it", "镜像下载地址"))
    .requiredOption("--sha256 <digest>", t("its checksum", "校验和"))
    .requiredOption("--os <name>", t("what `vm create --os` says to get it", "`vm create --os` 使用的名称"))
    .option("--format <format>", t("qcow2 or raw", "qcow2 或 raw"), "qcow2")
    .option("--min-disk <size>", t("the smallest disk that holds it", "最小磁盘"), diskSize)
    .option("--default-user <name>", t("the account that is made when none is named", "默认用户"));
  addYes(
    declare<{ yes?: boolean }>(
      image,
      "delete <image...>",
      t("delete images (administrators)", "删除镜像（管理员）"),
      async (context, { yes = false }, ids: string[]) => {
        await confirm(t(`This deletes ${ids.join(", ")}.`, `将删除 ${ids.join("、")}。`), yes);
        const client = await context.client();
        await context.each(ids, async (id) => {
          await client.images.delete(await imageId(client, id, context.signal), { signal: context.signal });
          context.out.done(t(`${id} is deleted`, `${id} 已删除`), { id });
        });
      },
    ),
  );
}

export function addOperationCommands(program: Command): void {
  const operation = program.command("operation").description(t("what was asked for and how it went", "操作"));

  declare<{ status?: "running"; vm?: string; limit?: number }>(
    operation,
    "list",
    t("list operations, the newest first", "列出操作，最新在前"),
    async (context, { status, vm, limit = 20 }) => {
      const client = await context.client();
      const vmId = vm === undefined ? undefined : (await client.vms.get(vm, { signal: context.signal })).id;
      const query = given({ status, vmId, limit: Math.min(100, limit) });
      const page = await client.operations.list(query, { signal: context.signal });
      await context.out.list(page, operationColumns, t("There are none", "没有操作"), ({ id }) => id);
    },
  )
    .option("--status <status>", t("only these", "按状态筛选"))
    .option("--vm <vm>", t("only of this machine", "按虚拟机筛选"))
    .option("--limit <n>", t("at most so many (20)", "最多条数（20）"), wholeNumber);
  declare(operation, "show <operation>", t("show an operation", "查看操作"), async (context, _, id: string) => {
    const found = await (await context.client()).operations.get(id, { signal: context.signal });
    await context.out.record(found, operationFields, found.id);
  });
  declare<{ timeout?: number }>(
    operation,
    "wait <operation...>",
    t("wait for its end", "等待操作结束"),
    async (context, options, ids: string[]) => {
      const client = await context.client();
      await context.each(ids, async (id) => {
        const begun = await client.operations.get(id, { signal: context.signal });
        const ended = await context.follow(client, begun.resource.id, begun, options);
        context.out.done(`${id} ${ended.status}`, ended);
      });
    },
  ).option("--timeout <seconds>", t("wait no longer", "最长等待秒数"), wholeNumber);
  declare(
    operation,
    "cancel <operation...>",
    t("take back what has not begun", "取消尚未开始的操作"),
    async (context, _, ids: string[]) => {
      const client = await context.client();
      await context.each(ids, async (id) => {
        const ended = await client.operations.cancel(id, { signal: context.signal });
        context.out.done(t(`${id} is taken back`, `${id} 已取消`), ended);
      });
    },
  );
}

export function addRecordCommands(program: Command): void {
  declare<{ limit?: number; user?: string; result?: "refused" }>(
    program,
    "audit",
    t("who changed what (administrators)", "审计日志（管理员）"),
    async (context, { limit = 20, user, result }) => {
      const client = await context.client();
      const of = user === undefined ? undefined : await userId(client, user, context.signal);
      const query = given({ limit: Math.min(100, limit), userId: of, result });
      const page = await client.audit.list(query, { signal: context.signal });
      await context.out.list(page, auditColumns, t("There is nothing", "没有记录"), ({ id }) => id);
    },
  )
    .option("--user <user>", t("only of this user", "按用户筛选"))
    .option("--result <result>", t("succeeded, refused or failed", "succeeded、refused 或 failed"))
    .option("--limit <n>", t("at most so many (20)", "最多条数（20）"), wholeNumber);

  declare<{ limit?: number; level?: "error"; source?: "vm" }>(
    program,
    "logs",
    t("what the system did (administrators)", "系统日志（管理员）"),
    async (context, { limit = 20, level, source }) => {
      const query = given({ limit: Math.min(100, limit), level, source });
      const page = await (await context.client()).logs.list(query, { signal: context.signal });
      await context.out.list(page, logColumns, t("There is nothing", "没有记录"), ({ id }) => id);
    },
  )
    .option("--level <level>", t("info, warn or error", "info、warn 或 error"))
    .option("--source <source>", t("auth, host, operation, system or vm", "auth、host、operation、system 或 vm"))
    .option("--limit <n>", t("at most so many (20)", "最多条数（20）"), wholeNumber);
}
