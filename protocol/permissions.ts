/**
 * Roles and permissions as data: what there is to be allowed, and which role allows it.
 *
 * What a caller may do is its role's grants, with the user's own changes, cut down to the token's scopes. Whatever is
 * not granted is refused.
 */
import * as z from "zod";

/** Every permission, with what it allows. */
export const permissions = {
  "vm:read": { zh: "查看虚拟机", en: "See virtual machines" },
  "vm:create": { zh: "创建虚拟机", en: "Create virtual machines" },
  "vm:update": { zh: "修改虚拟机配置", en: "Change virtual machines" },
  "vm:delete": { zh: "删除虚拟机", en: "Delete virtual machines" },
  "vm:start": { zh: "启动虚拟机", en: "Start virtual machines" },
  "vm:stop": { zh: "停止虚拟机", en: "Stop virtual machines" },
  "vm:restart": { zh: "重启虚拟机", en: "Restart virtual machines" },
  "vm:pause": { zh: "暂停虚拟机", en: "Pause virtual machines" },
  "vm:resume": { zh: "恢复虚拟机", en: "Resume virtual machines" },
  "vm:reset": { zh: "强制复位虚拟机", en: "Reset virtual machines" },
  "vm:console": { zh: "使用虚拟机控制台", en: "Use the consoles of virtual machines" },
  "vm:tunnel": { zh: "连接虚拟机的网络端口", en: "Reach ports of virtual machines" },
  "operation:read": { zh: "查看操作", en: "See operations" },
  "operation:cancel": { zh: "取消操作", en: "Cancel operations" },
  "event:read": { zh: "查看事件", en: "Follow what happens" },
  "image:read": { zh: "查看镜像", en: "See images" },
  "image:create": { zh: "添加镜像", en: "Add images" },
  "image:delete": { zh: "删除镜像", en: "Delete images" },
  "host:read": { zh: "查看主机", en: "See hosts" },
  "host:create": { zh: "添加主机", en: "Add hosts" },
  "host:update": { zh: "修改主机", en: "Change, drain and enrol hosts" },
  "host:delete": { zh: "删除主机", en: "Delete hosts" },
  "user:read": { zh: "查看用户", en: "See users" },
  "user:create": { zh: "创建用户", en: "Create users" },
  "user:update": { zh: "修改用户", en: "Change users" },
  "user:delete": { zh: "删除用户", en: "Delete users" },
  "role:read": { zh: "查看角色与权限", en: "See roles and permissions" },
  "account:read": { zh: "查看自己的账户", en: "See one's own account" },
  "account:update": { zh: "修改自己的密码，退出登录", en: "Change one's own password, log out" },
  "token:read": { zh: "查看自己的访问令牌", en: "See one's own access tokens" },
  "token:create": { zh: "创建自己的访问令牌", en: "Create access tokens of one's own" },
  "token:delete": { zh: "吊销自己的访问令牌", en: "Revoke one's own access tokens" },
  "system:read": { zh: "查看系统信息与统计", en: "See the system and its figures" },
  "config:read": { zh: "查看配置", en: "See the configuration" },
  "config:update": { zh: "修改配置", en: "Change the configuration" },
  "log:read": { zh: "查看系统日志", en: "Read the system's log" },
  "audit:read": { zh: "查看审计记录", en: "Read the audit trail" },
  "metrics:read": { zh: "读取监控指标", en: "Read the metrics" },
} as const satisfies Record<string, { readonly zh: string; readonly en: string }>;

export type Permission = keyof typeof permissions;
const names = Object.keys(permissions) as [Permission, ...Permission[]];
export const Permission = z.enum(names);

const resources = [...new Set(names.map((name) => name.split(":")[0] as string))];
const grants = ["*", ...resources.map((resource) => `${resource}:*`), ...names] as [string, ...string[]];

/** One permission, all of a resource's (`vm:*`), or all (`*`). */
export const Grant = z.enum(grants);
export type Grant = z.infer<typeof Grant>;

/** `+vm:read` or `vm:read` widens a role, `-vm:read` narrows it, and narrowing wins. */
export const PermissionChange = z.enum(
  grants.flatMap((grant) => [grant, `+${grant}`, `-${grant}`]) as [string, ...string[]],
);
export type PermissionChange = z.infer<typeof PermissionChange>;

export const Role = z.enum(["admin", "user"]);
export type Role = z.infer<typeof Role>;

interface RoleRule {
  readonly grants: readonly Grant[];
  /** Whose machines and operations it is shown. */
  readonly sees: "all" | "own";
  readonly zh: string;
  readonly en: string;
}

export const roles: Readonly<Record<Role, RoleRule>> = {
  admin: { grants: ["*"], sees: "all", zh: "管理员：全部权限", en: "Administrator: everything" },
  user: {
    grants: [
      ...["vm:*", "operation:*", "event:read", "image:read", "role:read", "account:*", "token:*", "system:read"],
    ],
    sees: "own",
    zh: "普通用户：自己的虚拟机",
    en: "User: their own machines",
  },
};

/** What decides over a permission. */
export interface Rights {
  readonly role: Role;
  readonly permissions: readonly PermissionChange[];
  /** Of a personal access token; null: as far as its user's rights go. */
  readonly scopes: readonly Grant[] | null;
}

export function isAllowed(rights: Rights, permission: Permission): boolean {
  const own = rights.permissions.map((change) => ({
    denies: change.startsWith("-"),
    grant: change.replace(/^[+-]/, ""),
  }));
  const granted = [...roles[rights.role].grants, ...own.filter(({ denies }) => !denies).map(({ grant }) => grant)];
  const denied = own.filter(({ denies }) => denies).map(({ grant }) => grant);
  return (
    covers(granted, permission) &&
    !covers(denied, permission) &&
    (rights.scopes === null || covers(rights.scopes, permission))
  );
}

export function allowedPermissions(rights: Rights): Permission[] {
  return names.filter((permission) => isAllowed(rights, permission));
}

/** Every permission that the grants stand for. */
export function permissionsOf(grantsOf: readonly Grant[]): Permission[] {
  return names.filter((permission) => covers(grantsOf, permission));
}

function covers(grantsOf: readonly Grant[], permission: Permission): boolean {
  const [resource] = permission.split(":");
  return grantsOf.some((grant) => grant === "*" || grant === `${resource}:*` || grant === permission);
}
