/**
 * Every error code of the public API with its HTTP status and its message in both languages.
 *
 * Clients branch on the code, so a code never changes its meaning. The messages are for people.
 */
interface ErrorEntry {
  readonly status: number;
  readonly zh: string;
  readonly en: string;
}

const entry = (status: number, zh: string, en: string): ErrorEntry => ({ status, zh, en });

export const errorTable = {
  INVALID_REQUEST_PARAMS: entry(400, "请求参数错误", "The request is not valid"),
  UNAUTHENTICATED: entry(401, "未认证或认证失败", "Not authenticated"),
  INVALID_CREDENTIALS: entry(401, "用户名或密码错误", "Wrong user name or password"),
  TOKEN_EXPIRED: entry(401, "令牌已过期", "The token has expired"),
  FORBIDDEN: entry(403, "权限不足", "Not permitted"),
  DEFAULT_PASSWORD_REFUSED: entry(
    403,
    "默认密码仅限本机使用，请先设置管理员密码",
    "The default password works on loopback only: set an administrator password first",
  ),
  WRONG_PASSWORD: entry(403, "当前密码错误", "The current password is wrong"),
  QUOTA_EXCEEDED: entry(403, "已超出配额", "The quota is used up"),
  NOT_FOUND: entry(404, "资源不存在", "No such resource"),
  VM_NOT_FOUND: entry(404, "虚拟机不存在", "No such virtual machine"),
  OPERATION_NOT_FOUND: entry(404, "操作不存在", "No such operation"),
  USER_NOT_FOUND: entry(404, "用户不存在", "No such user"),
  TOKEN_NOT_FOUND: entry(404, "访问令牌不存在", "No such access token"),
  IMAGE_NOT_FOUND: entry(404, "镜像不存在", "No such image"),
  HOST_NOT_FOUND: entry(404, "主机不存在", "No such host"),
  STREAM_NOT_FOUND: entry(404, "连接票据不存在或已过期", "No such ticket, or it has expired"),
  CONSOLE_OPEN: entry(409, "该连接已打开此控制台", "The connection has this console open already"),
  TICKET_SPENT: entry(409, "连接票据已被使用", "The ticket was used already"),
  NAME_TAKEN: entry(409, "名称已被使用", "The name is taken"),
  LAST_ADMIN: entry(
    409,
    "这是最后一位可用的管理员，不能删除、停用或降级",
    "The last active administrator can't be deleted, disabled or demoted",
  ),
  USER_HAS_VMS: entry(
    409,
    "该用户仍拥有虚拟机，请先删除这些虚拟机",
    "The user still owns virtual machines: delete them first",
  ),
  VM_ALREADY_RUNNING: entry(409, "虚拟机已在运行", "The virtual machine is running already"),
  VM_NOT_RUNNING: entry(409, "虚拟机未在运行", "The virtual machine is not running"),
  VM_ALREADY_PAUSED: entry(409, "虚拟机已暂停", "The virtual machine is paused already"),
  VM_NOT_PAUSED: entry(409, "虚拟机未暂停", "The virtual machine is not paused"),
  VM_RUNNING: entry(
    409,
    "虚拟机正在运行，请先停止或使用 force",
    "The virtual machine is running: stop it first, or use force",
  ),
  VM_DELETING: entry(409, "虚拟机正在删除", "The virtual machine is being deleted"),
  VM_PROTECTED: entry(409, "虚拟机受保护，无法删除", "The virtual machine is protected from deletion"),
  TOO_MANY_OPERATIONS: entry(409, "等待中的操作过多", "Too many operations wait for this machine"),
  OPERATION_ENDED: entry(409, "操作已结束", "The operation has ended"),
  OPERATION_RUNNING: entry(409, "操作已开始执行，无法取消", "The operation has begun and can't be taken back"),
  VM_UPDATE_PENDING: entry(409, "虚拟机的上一次配置修改尚未完成", "An earlier change of the machine is under way"),
  VM_SUSPENDED: entry(409, "虚拟机已挂起", "The virtual machine is suspended"),
  HOST_HAS_VMS: entry(409, "主机上仍有虚拟机", "The host still has machines"),
  HOST_NOT_UPDATABLE: entry(
    409,
    "该主机的代理程序不能自行更新，请在主机上重新运行安装命令",
    "The host's agent does not update itself: run the installer on the host",
  ),
  HOST_MAINTENANCE: entry(
    409,
    "主机正在维护，其虚拟机只能停止或删除",
    "The host is in maintenance: its machines can only be stopped or deleted",
  ),
  HOST_NOT_QUARANTINED: entry(409, "主机未被隔离", "The host is not quarantined"),
  IMAGE_IN_USE: entry(409, "镜像仍被虚拟机使用", "Machines still use the image"),
  ENROLMENT_SPENT: entry(409, "注册令牌已被使用", "The enrolment token was used already"),
  ENROLMENT_EXPIRED: entry(410, "注册令牌已过期", "The enrolment token has expired"),
  EVENTS_EXPIRED: entry(410, "所请求的事件已过期", "The events asked for are not kept any more"),
  PAYLOAD_TOO_LARGE: entry(413, "请求体过大", "The request body is too large"),
  UNSUPPORTED_MEDIA_TYPE: entry(415, "请求体必须为 JSON", "The request body must be JSON"),
  PRECONDITION_FAILED: entry(412, "资源已被修改", "The resource has changed since"),
  URL_FORBIDDEN: entry(422, "该地址不允许访问", "The address is not one that a host may fetch from"),
  TEXT_NOT_TYPED: entry(422, "部分字符无法键入", "Some characters can't be typed on a US keyboard, or were too many"),
  IDEMPOTENCY_MISMATCH: entry(422, "幂等键已用于不同的请求", "The idempotency key was used for another request"),
  IDEMPOTENCY_IN_PROGRESS: entry(409, "相同幂等键的请求仍在处理", "The first request with this key is still running"),
  TOO_MANY_CONNECTIONS: entry(429, "连接数已达上限", "Too many connections at a time"),
  RATE_LIMITED: entry(429, "请求过于频繁", "Too many requests"),
  TOO_MANY_STREAMS: entry(429, "控制台连接数已达上限", "Too many consoles on one connection"),
  TOO_MANY_SUBSCRIPTIONS: entry(429, "订阅数已达上限", "Too many subscriptions"),
  UPGRADE_REQUIRED: entry(426, "此地址仅接受 WebSocket 连接", "This address takes WebSocket connections only"),
  INTERNAL_SERVER_ERROR: entry(500, "服务器内部错误", "Internal server error"),
  HOST_OFFLINE: entry(503, "主机离线", "The host is offline"),
  UNAVAILABLE: entry(503, "服务暂不可用", "The service is not available at the moment"),
  INSUFFICIENT_CAPACITY: entry(507, "没有足够的资源", "No host has room for this machine"),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/**
 * Why an operation failed on its host. They travel as values in `operation.error.code`, never as an HTTP status.
 * `retryable` says that the same request may work later without a change.
 */
export const operationErrors = {
  IMAGE_UNAVAILABLE: { retryable: true, en: "The image could not be fetched", zh: "无法获取镜像" },
  IMAGE_CHECKSUM_MISMATCH: {
    retryable: true,
    en: "The image is not what its publisher's checksum says",
    zh: "镜像校验和不符",
  },
  IMAGE_UNSAFE: { retryable: false, en: "The image is refused as unsafe", zh: "镜像不安全，已拒绝" },
  IMAGE_TOO_LARGE: { retryable: false, en: "The image is larger than the disk or the limit", zh: "镜像过大" },
  NO_SPACE: { retryable: true, en: "The host has no disk space left", zh: "主机磁盘空间不足" },
  QEMU_FAILED: { retryable: true, en: "QEMU did not start or did not answer", zh: "QEMU 启动失败或无响应" },
  EMULATION_FORBIDDEN: {
    retryable: false,
    en: "The host has no KVM and its configuration forbids emulation",
    zh: "主机不支持 KVM，且配置禁止模拟运行",
  },
  VM_MISSING: { retryable: false, en: "The host does not have this machine", zh: "主机上没有该虚拟机" },
  VM_NOT_RUNNING: { retryable: false, en: "The machine is not running", zh: "虚拟机未在运行" },
  STALE_GENERATION: { retryable: false, en: "The order is for an older machine of this id", zh: "指令已过时" },
  OPERATION_EXPIRED: { retryable: true, en: "The host did not take the order in time", zh: "操作在送达主机前已过期" },
  CANCELLED: { retryable: true, en: "Cancelled before it began", zh: "操作已取消" },
  OUTCOME_UNKNOWN: {
    retryable: false,
    en: "The host may or may not have done it, and to repeat it is not safe",
    zh: "无法确定操作是否已执行",
  },
  INVALID_ORDER: { retryable: false, en: "The host does not understand the order", zh: "主机无法识别该指令" },
  HOST_ERROR: { retryable: true, en: "The host failed in an unexpected way", zh: "主机发生意外错误" },
} as const;

export type OperationErrorCode = keyof typeof operationErrors;

/** Why a stream was not opened, or has ended: `code` of the `closed` that its client is sent. */
export const streamErrors = {
  VM_MISSING: operationErrors.VM_MISSING,
  VM_NOT_RUNNING: operationErrors.VM_NOT_RUNNING,
  QEMU_FAILED: operationErrors.QEMU_FAILED,
  HOST_ERROR: operationErrors.HOST_ERROR,
  PORT_CLOSED: { retryable: true, en: "Nothing listens on this port of the guest", zh: "虚拟机的该端口未开放" },
  GUEST_UNREACHABLE: { retryable: true, en: "The guest does not answer on its network", zh: "虚拟机网络无响应" },
  SSH_AUTH_FAILED: {
    retryable: false,
    en: "The guest refuses this user with this password or key",
    zh: "SSH 用户名、密码或密钥被拒绝",
  },
  SSH_KEY_INVALID: { retryable: false, en: "The private key can't be read", zh: "无法读取私钥或口令错误" },
  SSH_FAILED: { retryable: true, en: "The guest's SSH server gives no shell", zh: "SSH 服务未能打开终端" },
  HOST_KEY_CHANGED: {
    retryable: false,
    en: "The guest shows another host key than before",
    zh: "虚拟机的 SSH 主机密钥已变更",
  },
  STREAM_LOST: { retryable: true, en: "The connection was broken off", zh: "连接已中断" },
  STREAM_IDLE: { retryable: true, en: "Nothing was said for too long", zh: "连接空闲过久，已关闭" },
  TOO_MANY_STREAMS: { retryable: true, en: "The host has too many streams", zh: "主机上的连接过多" },
  HOST_OFFLINE: { retryable: true, en: "The host is offline", zh: "主机离线" },
  READER_TOO_SLOW: { retryable: true, en: "The reader is too slow", zh: "读取过慢，连接已关闭" },
  STREAM_MALFORMED: {
    retryable: false,
    en: "What was sent is not of the protocol, or more than was granted",
    zh: "数据不符合协议或超出额度",
  },
} as const;

export type StreamErrorCode = keyof typeof streamErrors;
