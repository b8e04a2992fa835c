/** An error as a person reads it: what, why, and what to do next. */
import { VoidVMError } from "../../sdk/typescript/src/index.ts";
import { Interrupted, UserError } from "../exit-codes.ts";
import { t } from "../language.ts";
import { safeJson, safeText } from "./safe-text.ts";
import { style } from "./style.ts";

export function printError(error: unknown, asJson: boolean): void {
  if (error instanceof Interrupted) return;
  process.stderr.write(`${asJson ? safeJson({ error: toJson(error) }) : toText(error)}\n`);
}

function toText(error: unknown): string {
  const label = style("red", t("Error:", "错误："), process.stderr);
  if (error instanceof UserError) return `${label} ${safeText(error.message)}`;
  if (!(error instanceof VoidVMError))
    return `${label} ${safeText(error instanceof Error ? error.message : String(error))}`;
  const { code, message, details, fields, requestId } = error;
  const lines = [
    `${label} ${safeText(ownMessage(error) ?? message)} (${safeText(code)})`,
    ...(details === null || details === message ? [] : [`  ${safeText(details)}`]),
    // The details may have said so.
    ...fields
      .map(({ path, message: wrong }) => `${path}: ${wrong}`)
      .filter((line) => !details?.includes(line))
      .map((line) => `  ${safeText(line)}`),
    ...(requestId === null ? [] : [`  ${t("request", "请求")} ${safeText(requestId)}`]),
  ];
  const next = nextStep(error);
  return [...lines, ...(next === undefined ? [] : [`→ ${safeText(next)}`])].join("\n");
}

function toJson(error: unknown): object {
  if (!(error instanceof VoidVMError)) {
    const code = error instanceof UserError ? "USAGE" : "FAILED";
    return { code, message: error instanceof Error ? error.message : String(error) };
  }
  const { code, message, status, requestId, retryable, details, fields, operation } = error;
  return { code, message, status, requestId, retryable, details, fields, operationId: operation?.id ?? null };
}

/** Of errors that no server has put into the reader's language. */
function ownMessage({ code, message, operation }: VoidVMError): string | undefined {
  if (code === "NETWORK_ERROR") return t(message, "无法连接服务器");
  if (code === "SOCKET_CLOSED") return t(message, "连接已关闭");
  if (code !== "TIMEOUT") return undefined;
  return operation
    ? t("It has not ended in time, and goes on", "操作未在限定时间内结束，仍在继续")
    : t(message, "服务器响应超时");
}

function nextStep({ code, operation, status }: VoidVMError): string | undefined {
  if (code === "TIMEOUT" && operation) return `voidvm operation wait ${operation.id}`;
  const steps: Readonly<Record<string, string>> = {
    UNAUTHENTICATED: t("voidvm login", "请登录：voidvm login"),
    TOKEN_EXPIRED: t("voidvm login", "请重新登录：voidvm login"),
    NETWORK_ERROR: t(
      "Is it running, and is the address right? `npm start` starts it here; --url or VOIDVM_URL name another.",
      "服务是否已启动、地址是否正确？`npm start` 可在本机启动；用 --url 或 VOIDVM_URL 指定其他地址。",
    ),
    INVALID_RESPONSE: t("Is --url the address of a VoidVM?", "请确认 --url 指向 VoidVM 服务。"),
    VM_NOT_FOUND: t("voidvm vm list shows what there is", "用 voidvm vm list 查看现有虚拟机"),
    IMAGE_NOT_FOUND: t("voidvm image list shows what there is", "用 voidvm image list 查看现有镜像"),
    HOST_NOT_FOUND: t("voidvm host list shows what there is", "用 voidvm host list 查看现有主机"),
    USER_NOT_FOUND: t("voidvm user list shows what there is", "用 voidvm user list 查看现有用户"),
    VM_RUNNING: t("Stop it first (voidvm vm stop), or add --force", "请先停止（voidvm vm stop），或加上 --force"),
    VM_NOT_RUNNING: t("voidvm vm start", "请先启动：voidvm vm start"),
    VM_PROTECTED: t("voidvm vm update --no-protected", "取消保护：voidvm vm update --no-protected"),
    NAME_TAKEN: t("Choose another name", "请换一个名称"),
    QUOTA_EXCEEDED: t("Delete something, or ask an administrator for more", "请删除不用的资源，或联系管理员提高配额"),
    RATE_LIMITED: t("Wait a minute", "请一分钟后再试"),
    HOST_OFFLINE: t("voidvm host list shows which hosts are online", "用 voidvm host list 查看哪些主机在线"),
    INSUFFICIENT_CAPACITY: t("voidvm host list shows how much room there is", "用 voidvm host list 查看剩余资源"),
    OUTCOME_UNKNOWN: t(
      "Look at the machine before you try again: voidvm vm show",
      "重试前请先查看虚拟机状态：voidvm vm show",
    ),
    HOST_HAS_VMS: t(
      "voidvm host drain, then move or delete them; --force forgets them",
      "先 voidvm host drain 并迁移或删除虚拟机；--force 会直接遗忘它们",
    ),
    FORBIDDEN: t("voidvm whoami shows what you may do", "用 voidvm whoami 查看自己的权限"),
  };
  return steps[code] ?? (status === 401 ? steps["UNAUTHENTICATED"] : undefined);
}
