/** What tables and records show of things. */
import type { AuditEntry, Host, Image, LogEntry, Operation, Token, User, Vm } from "../sdk/typescript/src/index.ts";
import { t } from "./language.ts";
import type { Column } from "./output/output.ts";
import { status } from "./output/style.ts";

const gib = (mib: number) => (mib % 1024 === 0 ? `${mib / 1024} GiB` : `${mib} MiB`);
const labels = (all: Readonly<Record<string, string>>) =>
  Object.entries(all)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
const orNone = (text: string | null | undefined) => text || "–";
const bound = (amount: number | null) => (amount === null ? t("no bound", "不限") : String(amount));

const column = <T>(title: string, of: (entry: T) => string): Column<T> => ({ title, of });
const statusColumn = <T extends { readonly status: string }>(): Column<T> => ({
  title: t("STATUS", "状态"),
  of: (entry) => entry.status,
  style: status,
});

const vm = {
  name: column<Vm>(t("NAME", "名称"), ({ name }) => name),
  id: column<Vm>("ID", ({ id }) => id),
  status: statusColumn<Vm>(),
  cpu: column<Vm>("CPU", ({ cpu }) => String(cpu)),
  memory: column<Vm>(t("MEMORY", "内存"), ({ memory }) => gib(memory)),
  disk: column<Vm>(t("DISK", "磁盘"), ({ disk }) => `${disk} GiB`),
  os: column<Vm>(t("OS", "系统"), ({ os }) => os),
  host: column<Vm>(t("HOST", "主机"), ({ host }) => host.name + (host.status === "online" ? "" : ` (${host.status})`)),
};
export const vmColumns: Column<Vm>[] = [vm.name, vm.id, vm.status, vm.cpu, vm.memory, vm.disk, vm.os, vm.host];
export const vmFields: Column<Vm>[] = [
  ...[vm.name, vm.id, vm.status],
  column(t("REASON", "原因"), ({ statusReason }) => orNone(statusReason)),
  column(t("DESCRIPTION", "描述"), ({ description }) => orNone(description)),
  ...[vm.cpu, vm.memory, vm.disk, vm.os, vm.host],
  column(t("ADDRESSES", "IP 地址"), ({ ipAddresses }) => orNone(ipAddresses.join(" "))),
  column(t("NETWORK", "网络"), ({ network }) => network),
  column(t("ACCELERATOR", "加速器"), ({ accelerator }) => orNone(accelerator)),
  column(t("LABELS", "标签"), (one) => orNone(labels(one.labels))),
  column(t("AUTOSTART", "自启动"), ({ autostart }) => String(autostart)),
  column(t("PROTECTED", "受保护"), (one) => String(one.protected)),
  column(t("OWNER", "所有者"), ({ ownerId }) => ownerId),
  column(t("CREATED", "创建时间"), ({ createdAt }) => createdAt),
  column(t("STARTED", "启动时间"), ({ startedAt }) => orNone(startedAt)),
  column(t("OPERATION", "操作"), ({ operation }) => (operation ? `${operation.kind} ${operation.id}` : "–")),
];

export const operationColumns: Column<Operation>[] = [
  column("ID", ({ id }) => id),
  column(t("KIND", "类型"), ({ kind }) => kind),
  statusColumn(),
  column(t("PROGRESS", "进度"), ({ progress }) => `${progress.percent} %`),
  column(t("RESOURCE", "资源"), ({ resource }) => resource.id),
  column(t("CREATED", "创建时间"), ({ createdAt }) => createdAt),
];
export const operationFields: Column<Operation>[] = [
  ...operationColumns,
  column(t("FINISHED", "结束时间"), ({ finishedAt }) => orNone(finishedAt)),
  column(t("ERROR", "错误"), ({ error }) => (error ? `${error.message} (${error.code})` : "–")),
  column(t("RESULT", "结果"), ({ result }) => (result ? JSON.stringify(result) : "–")),
  column(t("REQUEST", "请求"), ({ requestId }) => requestId),
];

export const imageColumns: Column<Image>[] = [
  column(t("OS", "系统"), ({ os }) => os),
  column("ID", ({ id }) => id),
  column(t("NAME", "名称"), ({ name }) => name),
  column(t("LEAST DISK", "最小磁盘"), ({ minDisk }) => `${minDisk} GiB`),
  column(t("USER", "用户"), ({ defaultUser }) => defaultUser),
  column(t("SOURCE", "来源"), ({ source }) => source),
];
export const imageFields: Column<Image>[] = [
  ...imageColumns,
  column(t("FORMAT", "格式"), ({ format }) => format),
  column("URL", ({ url }) => orNone(url)),
  column("SHA-256", ({ sha256 }) => orNone(sha256)),
];

const ofCapacity = (used: number, capacity: number, unit: string) => `${used}/${capacity}${unit}`;
export const hostColumns: Column<Host>[] = [
  column(t("NAME", "名称"), ({ name }) => name),
  column("ID", ({ id }) => id),
  statusColumn(),
  column(t("NEW VMS", "可调度"), ({ blockedBy }) => (blockedBy.length === 0 ? t("yes", "是") : t("no", "否"))),
  column(t("VMS", "虚拟机"), ({ allocated }) => String(allocated.vms)),
  column("CPU", ({ allocated, capacity }) => ofCapacity(allocated.cpu, capacity.cpu, "")),
  column(t("MEMORY", "内存"), ({ allocated, capacity }) => ofCapacity(allocated.memory, capacity.memory, " MiB")),
  column(t("DISK", "磁盘"), ({ allocated, capacity }) => ofCapacity(allocated.disk, capacity.disk, " GiB")),
];
export const hostFields: Column<Host>[] = [
  ...hostColumns,
  column(t("LABELS", "标签"), (one) => orNone(labels(one.labels))),
  column(t("AGENT", "代理版本"), ({ agentVersion }) => orNone(agentVersion)),
  column(t("LAST SEEN", "最后在线"), ({ lastSeenAt }) => orNone(lastSeenAt)),
  column(t("CREATED", "创建时间"), ({ createdAt }) => createdAt),
];

export const userColumns: Column<User>[] = [
  column(t("NAME", "用户名"), ({ username }) => username),
  column("ID", ({ id }) => id),
  column(t("ROLE", "角色"), ({ role }) => role),
  statusColumn(),
  column(t("PLAN", "套餐"), ({ plan }) => plan),
  column(t("LAST LOGIN", "上次登录"), ({ lastLoginAt }) => orNone(lastLoginAt)),
];
export const userFields: Column<User>[] = [
  ...userColumns,
  column(t("E-MAIL", "邮箱"), ({ email }) => orNone(email)),
  column(t("PERMISSIONS", "权限"), ({ permissions }) => orNone(permissions.join(" "))),
  column(t("QUOTAS", "配额"), ({ quotas }) =>
    Object.entries(quotas)
      .map(([name, amount]) => `${name} ${bound(amount)}`)
      .join(", "),
  ),
  column(t("CREATED", "创建时间"), ({ createdAt }) => createdAt),
];

export const tokenColumns: Column<Token>[] = [
  column(t("NAME", "名称"), ({ name }) => name),
  column("ID", ({ id }) => id),
  column(t("SCOPES", "范围"), ({ scopes }) => scopes.join(" ")),
  column(t("EXPIRES", "到期时间"), ({ expiresAt }) => orNone(expiresAt)),
  column(t("LAST USED", "上次使用"), ({ lastUsedAt }) => orNone(lastUsedAt)),
];

export const auditColumns: Column<AuditEntry>[] = [
  column(t("TIME", "时间"), ({ timestamp }) => timestamp),
  column(t("USER", "用户"), ({ user }) => user?.username ?? "–"),
  column(t("WITH", "凭据"), ({ credential }) => credential.type),
  column(t("WHAT", "操作"), ({ method, path }) => `${method} ${path}`),
  column(t("RESULT", "结果"), ({ result, code }) => (code === null ? result : `${result} ${code}`)),
  column(t("FROM", "来源地址"), ({ address }) => orNone(address)),
];

export const logColumns: Column<LogEntry>[] = [
  column(t("TIME", "时间"), ({ timestamp }) => timestamp),
  column(t("LEVEL", "级别"), ({ level }) => level),
  column(t("SOURCE", "来源"), ({ source }) => source),
  column(t("MESSAGE", "消息"), ({ message }) => message),
];
