/** Made from the OpenAPI document and protocol/ by `node scripts/write-sdk-types.ts`; a test keeps it so. */

export type AuditCredential = "session" | "token" | "host" | "none";

export interface AuditEntry {
  id: string;
  timestamp: string;
  user: {
    id: string;
    username: string;
  } | null;
  credential: {
    type: AuditCredential;
    id: string | null;
  };
  address: string | null;
  method: string;
  route: string;
  path: string;
  /** The `X-Request-Id` of the request that asked for it. */
  requestId: string;
  result: AuditResult;
  /** Never changes its meaning: branch on it. */
  code: string | null;
}

export interface AuditList {
  entries: AuditEntry[];
  pagination: Pagination;
}

export type AuditResult = "succeeded" | "refused" | "failed";

export type CancelOperationBody = Record<string, never>;

export interface Config {
  limits: {
    requestsPerMinute: number;
    loginsPerMinute: number;
    webSocketsPerUser: number;
    vmsPerFreeUser: number;
  };
  defaults: {
    /** vCPUs. */
    cpu: number;
    /** MiB. */
    memory: number;
    /** GiB. */
    disk: number;
    /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
    os: string;
  };
  storage: {
    maxDisk: number;
  };
  network: {
    defaultMode: "user";
  };
  agents: {
    autoUpdate: boolean;
    updatesAtOnce: number;
  };
  placement: {
    /** `spread`: the emptiest host first. `pack`: the fullest that has room. */
    strategy: PlacementStrategy;
    overcommit: {
      /** vCPUs. */
      cpu: number;
      /** MiB. */
      memory: number;
      /** GiB. */
      disk: number;
    };
  };
}

export interface ConfigUpdate {
  limits?: {
    requestsPerMinute?: number | undefined;
    loginsPerMinute?: number | undefined;
    webSocketsPerUser?: number | undefined;
    vmsPerFreeUser?: number | undefined;
  } | undefined;
  defaults?: {
    /** vCPUs. */
    cpu?: number | undefined;
    /** MiB. */
    memory?: number | undefined;
    /** GiB. */
    disk?: number | undefined;
    /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
    os?: string | undefined;
  } | undefined;
  storage?: {
    maxDisk?: number | undefined;
  } | undefined;
  network?: {
    defaultMode?: "user" | undefined;
  } | undefined;
  agents?: {
    autoUpdate?: boolean | undefined;
    updatesAtOnce?: number | undefined;
  } | undefined;
  placement?: {
    /** `spread`: the emptiest host first. `pack`: the fullest that has room. */
    strategy?: "spread" | "pack" | undefined;
    overcommit?: {
      /** vCPUs. */
      cpu?: number | undefined;
      /** MiB. */
      memory?: number | undefined;
      /** GiB. */
      disk?: number | undefined;
    } | undefined;
  } | undefined;
}

export interface CreateHostData {
  host: Host;
  enrolment: {
    token: string;
    /** When it stops being good. */
    expiresAt: string;
    command: string;
  };
}

export type CreateSocketTicketBody = Record<string, never>;

export interface DeleteVmData {
  id: string;
  kind: OperationKind;
  status: OperationStatus;
  waitingFor: WaitingFor | null;
  progress: {
    /** 0 to 100. */
    percent: number;
    step: string | null;
    message: string | null;
  };
  resource: {
    type: "vm";
    id: string;
  };
  /** A host's id. In a creation: for administrators only. */
  hostId: string;
  userId: string;
  /** The `X-Request-Id` of the request that asked for it. */
  requestId: string;
  result: Record<string, unknown> | null;
  error: {
    /** Never changes its meaning: branch on it. */
    code: string;
    message: string;
  } | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  vm: Vm | null;
}

export interface DrainedHost {
  host: Host;
  stopping: {
    vmId: string;
    operationId: string;
  }[];
  remaining: {
    vms: number;
    byStatus: Record<string, number>;
    operations: number;
  };
}

export type EventData = Record<string, string | null>;

export interface EventList {
  events: SystemEvent[];
  /** The id of the last entry that was read: what came later follows, however much is added meanwhile. */
  after: EventSequence;
  more: boolean;
}

export type EventSequence = number;

export interface GetHealthData {
  status: "ok";
  version: string;
}

export interface GetOpenApiAnswer {
  openapi: string;
}

export type Grant = "*" | "vm:*" | "operation:*" | "event:*" | "image:*" | "host:*" | "user:*" | "role:*" | "account:*" | "token:*" | "system:*" | "config:*" | "log:*" | "audit:*" | "metrics:*" | "vm:read" | "vm:create" | "vm:update" | "vm:delete" | "vm:start" | "vm:stop" | "vm:restart" | "vm:pause" | "vm:resume" | "vm:reset" | "vm:console" | "vm:tunnel" | "operation:read" | "operation:cancel" | "event:read" | "image:read" | "image:create" | "image:delete" | "host:read" | "host:create" | "host:update" | "host:delete" | "user:read" | "user:create" | "user:update" | "user:delete" | "role:read" | "account:read" | "account:update" | "token:read" | "token:create" | "token:delete" | "system:read" | "config:read" | "config:update" | "log:read" | "audit:read" | "metrics:read";

export interface Host {
  id: string;
  name: string;
  status: HostStatus;
  /** Why the status is `error`; null otherwise. */
  statusReason: string | null;
  schedulable: boolean;
  maintenance: boolean;
  /** What keeps new machines away, room apart; empty where they may come. */
  blockedBy: HostBlocker[];
  /** Keys and values of one's own. */
  labels: Record<string, string>;
  /** What the host found out about itself; null until it has connected for the first time. */
  facts: Record<string, unknown> | null;
  agentVersion: string | null;
  updatable: boolean;
  agentUpdate: {
    version: string;
    orderedAt: string | null;
    error: string | null;
  } | null;
  overcommit: {
    /** vCPUs. */
    cpu: number;
    /** MiB. */
    memory: number;
    /** GiB. */
    disk: number;
  };
  capacity: {
    /** vCPUs. */
    cpu: number;
    /** MiB. */
    memory: number;
    /** GiB. */
    disk: number;
  };
  allocated: {
    vms: number;
    /** vCPUs. */
    cpu: number;
    /** MiB. */
    memory: number;
    /** GiB. */
    disk: number;
  };
  images: string[];
  lastSeenAt: string | null;
  createdAt: string;
}

export type HostBlocker = "pending" | "offline" | "quarantined" | "maintenance" | "draining" | "no-accelerator";

export interface HostCreate {
  name: string;
  /** Keys and values of one's own. */
  labels?: Record<string, string> | undefined;
}

export interface HostDrain {
  shutdown?: boolean | undefined;
  /** Seconds that the guest has to power off before the power is cut; 30 where it is left out. */
  timeout?: number | undefined;
}

export interface HostSample {
  hostId: string | null;
  at: string;
  cpu: {
    usage: number;
    cores: number;
  };
  memory: {
    total: number;
    used: number;
    usage: number;
  };
  disk: {
    read: number;
    write: number;
  };
  network: {
    rx: number;
    tx: number;
  };
}

export type HostStatus = "pending" | "online" | "offline" | "quarantined";

export interface HostUpdate {
  name?: string | undefined;
  /** Keys and values of one's own. */
  labels?: Record<string, string> | undefined;
  schedulable?: boolean | undefined;
  maintenance?: boolean | undefined;
  overcommit?: {
    /** vCPUs. */
    cpu?: number | null | undefined;
    /** MiB. */
    memory?: number | null | undefined;
    /** GiB. */
    disk?: number | null | undefined;
  } | undefined;
}

export interface Image {
  id: string;
  /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
  os: string;
  name: string;
  format: "qcow2" | "raw";
  /** GiB. */
  minDisk: number;
  defaultUser: string;
  url: string | null;
  sha256: string | null;
  source: "catalogue" | "custom";
}

export interface ImageCreate {
  name: string;
  url: string;
  sha256: string;
  format: "qcow2" | "raw";
  /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
  os: string;
  /** GiB. */
  minDisk?: number | undefined;
  defaultUser?: string | undefined;
}

export interface ListHostsData {
  hosts: Host[];
  pagination: Pagination;
}

export interface ListImagesData {
  images: Image[];
  pagination: Pagination;
}

export interface ListOperationsData {
  operations: Operation[];
  pagination: Pagination;
}

export interface ListVmsData {
  vms: Vm[];
  pagination: Pagination;
}

export interface LogEntry {
  id: string;
  timestamp: string;
  level: LogLevel;
  message: string;
  source: LogSource;
  userId: string | null;
  vmId: string | null;
  metadata: Record<string, string | number | null>;
}

export interface Login {
  token: string;
  /** When it stops being good. */
  expiresAt: string;
  refreshToken: string;
  refreshExpiresAt: string;
  user: User;
}

export interface LoginRequest {
  username: string;
  password: string;
}

export type LogLevel = "info" | "warn" | "error";

export interface LogList {
  logs: LogEntry[];
  pagination: Pagination;
}

export type LogoutBody = Record<string, never>;

export type LogSource = "auth" | "host" | "operation" | "system" | "vm";

export interface Me {
  id: string;
  username: string;
  email: string | null;
  role: Role;
  permissions: PermissionChange[];
  plan: Plan;
  quotas: {
    vms: number | null;
    /** vCPUs. */
    cpu: number | null;
    /** MiB. */
    memory: number | null;
    /** GiB. */
    disk: number | null;
    snapshots: number | null;
  };
  status: UserStatus;
  lastLoginAt: string | null;
  createdAt: string;
  updatedAt: string;
  allowed: Permission[];
}

export interface Operation {
  id: string;
  kind: OperationKind;
  status: OperationStatus;
  waitingFor: WaitingFor | null;
  progress: {
    /** 0 to 100. */
    percent: number;
    step: string | null;
    message: string | null;
  };
  resource: {
    type: "vm";
    id: string;
  };
  /** A host's id. In a creation: for administrators only. */
  hostId: string;
  userId: string;
  /** The `X-Request-Id` of the request that asked for it. */
  requestId: string;
  result: Record<string, unknown> | null;
  error: {
    /** Never changes its meaning: branch on it. */
    code: string;
    message: string;
  } | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

export type OperationKind = "vm.create" | "vm.start" | "vm.stop" | "vm.restart" | "vm.pause" | "vm.resume" | "vm.reset" | "vm.delete" | "vm.update";

export type OperationStatus = "queued" | "running" | "succeeded" | "failed" | "cancelled" | "unknown";

export interface Pagination {
  /** From 1. */
  page: number;
  /** Entries a page. */
  limit: number;
  /** How many entries there are. */
  total: number;
  /** How many pages there are. */
  pages: number;
}

export interface PasswordChange {
  currentPassword: string;
  newPassword: string;
}

export type PauseVmBody = Record<string, never>;

export type Permission = "vm:read" | "vm:create" | "vm:update" | "vm:delete" | "vm:start" | "vm:stop" | "vm:restart" | "vm:pause" | "vm:resume" | "vm:reset" | "vm:console" | "vm:tunnel" | "operation:read" | "operation:cancel" | "event:read" | "image:read" | "image:create" | "image:delete" | "host:read" | "host:create" | "host:update" | "host:delete" | "user:read" | "user:create" | "user:update" | "user:delete" | "role:read" | "account:read" | "account:update" | "token:read" | "token:create" | "token:delete" | "system:read" | "config:read" | "config:update" | "log:read" | "audit:read" | "metrics:read";

export type PermissionChange = "*" | "+*" | "-*" | "vm:*" | "+vm:*" | "-vm:*" | "operation:*" | "+operation:*" | "-operation:*" | "event:*" | "+event:*" | "-event:*" | "image:*" | "+image:*" | "-image:*" | "host:*" | "+host:*" | "-host:*" | "user:*" | "+user:*" | "-user:*" | "role:*" | "+role:*" | "-role:*" | "account:*" | "+account:*" | "-account:*" | "token:*" | "+token:*" | "-token:*" | "system:*" | "+system:*" | "-system:*" | "config:*" | "+config:*" | "-config:*" | "log:*" | "+log:*" | "-log:*" | "audit:*" | "+audit:*" | "-audit:*" | "metrics:*" | "+metrics:*" | "-metrics:*" | "vm:read" | "+vm:read" | "-vm:read" | "vm:create" | "+vm:create" | "-vm:create" | "vm:update" | "+vm:update" | "-vm:update" | "vm:delete" | "+vm:delete" | "-vm:delete" | "vm:start" | "+vm:start" | "-vm:start" | "vm:stop" | "+vm:stop" | "-vm:stop" | "vm:restart" | "+vm:restart" | "-vm:restart" | "vm:pause" | "+vm:pause" | "-vm:pause" | "vm:resume" | "+vm:resume" | "-vm:resume" | "vm:reset" | "+vm:reset" | "-vm:reset" | "vm:console" | "+vm:console" | "-vm:console" | "vm:tunnel" | "+vm:tunnel" | "-vm:tunnel" | "operation:read" | "+operation:read" | "-operation:read" | "operation:cancel" | "+operation:cancel" | "-operation:cancel" | "event:read" | "+event:read" | "-event:read" | "image:read" | "+image:read" | "-image:read" | "image:create" | "+image:create" | "-image:create" | "image:delete" | "+image:delete" | "-image:delete" | "host:read" | "+host:read" | "-host:read" | "host:create" | "+host:create" | "-host:create" | "host:update" | "+host:update" | "-host:update" | "host:delete" | "+host:delete" | "-host:delete" | "user:read" | "+user:read" | "-user:read" | "user:create" | "+user:create" | "-user:create" | "user:update" | "+user:update" | "-user:update" | "user:delete" | "+user:delete" | "-user:delete" | "role:read" | "+role:read" | "-role:read" | "account:read" | "+account:read" | "-account:read" | "account:update" | "+account:update" | "-account:update" | "token:read" | "+token:read" | "-token:read" | "token:create" | "+token:create" | "-token:create" | "token:delete" | "+token:delete" | "-token:delete" | "system:read" | "+system:read" | "-system:read" | "config:read" | "+config:read" | "-config:read" | "config:update" | "+config:update" | "-config:update" | "log:read" | "+log:read" | "-log:read" | "audit:read" | "+audit:read" | "-audit:read" | "metrics:read" | "+metrics:read" | "-metrics:read";

export interface PermissionList {
  permissions: {
    name: Permission;
    description: string;
  }[];
}

export type PlacementStrategy = "spread" | "pack";

export type Plan = "none" | "free";

export interface RefreshRequest {
  refreshToken: string;
}

export type ReleaseHostBody = Record<string, never>;

export interface RenewHostTokenData {
  enrolment: {
    token: string;
    /** When it stops being good. */
    expiresAt: string;
    command: string;
  };
}

export type ResetVmBody = Record<string, never>;

export type ResumeVmBody = Record<string, never>;

export type Role = "admin" | "user";

export interface RoleList {
  roles: {
    name: Role;
    description: string;
    sees: "all" | "own";
    grants: Grant[];
    permissions: Permission[];
  }[];
}

export interface SocketTicket {
  ticket: string;
  url: string;
  /** When it stops being good. */
  expiresAt: string;
}

export type StartVmBody = Record<string, never>;

export type StatsPeriod = "1h" | "24h" | "7d" | "30d";

export interface StatsPoint {
  at: string;
  vms: Record<string, number>;
  hosts: {
    /** How many entries there are. */
    total: number;
    online: number;
  };
  allocated: {
    /** vCPUs. */
    cpu: number;
    /** MiB. */
    memory: number;
    /** GiB. */
    disk: number;
  };
  capacity: {
    /** vCPUs. */
    cpu: number;
    /** MiB. */
    memory: number;
    /** GiB. */
    disk: number;
  };
}

export type StreamControl = {
  type: "opened";
  writable: boolean;
} | {
  type: "credit";
  bytes: number;
} | {
  type: "gap";
  bytes: number;
} | {
  type: "writer";
  writable: boolean;
} | {
  type: "take-over";
} | {
  type: "resize";
  cols: number;
  rows: number;
} | {
  type: "mouse";
  x: number;
  y: number;
  buttons: number;
} | {
  type: "key";
  key: string | number;
  down: boolean;
} | {
  type: "text";
  text: string;
} | {
  type: "untyped";
  characters: string;
} | {
  type: "end";
} | {
  type: "closed";
  code: string | null;
  message: string | null;
};

export interface StreamTicket {
  url: string;
  /** When it stops being good. */
  expiresAt: string;
}

export interface SystemEvent {
  seq: EventSequence;
  event: string;
  timestamp: string;
  level: LogLevel;
  message: string;
  vmId: string | null;
  /** A host's id. In a creation: for administrators only. */
  hostId: string | null;
  operationId: string | null;
  userId: string | null;
  data: EventData;
}

export interface SystemInfo {
  name: string;
  version: string;
  apiVersion: string;
  startedAt: string;
  /** Seconds. */
  uptimeSeconds: number;
  hosts: {
    /** How many entries there are. */
    total: number;
    online: number;
    resources: {
      cpus: number;
      memoryMib: number;
      diskGib: number;
      diskFreeGib: number;
    };
    capacity: {
      /** vCPUs. */
      cpu: number;
      /** MiB. */
      memory: number;
      /** GiB. */
      disk: number;
    };
    allocated: {
      /** vCPUs. */
      cpu: number;
      /** MiB. */
      memory: number;
      /** GiB. */
      disk: number;
    };
    qemuVersions: string[];
    accelerators: string[];
    withKvm: number;
  };
  vms: {
    /** How many entries there are. */
    total: number;
    byStatus: Record<string, number>;
  };
}

export interface SystemStats {
  period: StatsPeriod;
  stepSeconds: number;
  current: StatsPoint;
  series: StatsPoint[];
}

export interface Token {
  id: string;
  name: string;
  scopes: Grant[];
  /** When it stops being good. */
  expiresAt: string | null;
  lastUsedAt: string | null;
  createdAt: string;
}

export interface TokenCreate {
  name: string;
  scopes: ("*" | "vm:*" | "operation:*" | "event:*" | "image:*" | "host:*" | "user:*" | "role:*" | "account:*" | "token:*" | "system:*" | "config:*" | "log:*" | "audit:*" | "metrics:*" | "vm:read" | "vm:create" | "vm:update" | "vm:delete" | "vm:start" | "vm:stop" | "vm:restart" | "vm:pause" | "vm:resume" | "vm:reset" | "vm:console" | "vm:tunnel" | "operation:read" | "operation:cancel" | "event:read" | "image:read" | "image:create" | "image:delete" | "host:read" | "host:create" | "host:update" | "host:delete" | "user:read" | "user:create" | "user:update" | "user:delete" | "role:read" | "account:read" | "account:update" | "token:read" | "token:create" | "token:delete" | "system:read" | "config:read" | "config:update" | "log:read" | "audit:read" | "metrics:read")[];
  /** When it stops being good. */
  expiresAt?: string | undefined;
}

export interface TokenCreated {
  id: string;
  name: string;
  scopes: Grant[];
  /** When it stops being good. */
  expiresAt: string | null;
  lastUsedAt: string | null;
  createdAt: string;
  token: string;
}

export interface TokenList {
  tokens: Token[];
  pagination: Pagination;
}

export type Topic = {
  topic: "vm-status";
  vmId: string;
} | {
  topic: "vm-status-all";
} | {
  topic: "vm-metrics";
  vmId: string;
  interval?: number | undefined;
} | {
  topic: "system-monitor";
  interval?: number | undefined;
  hostId?: string | undefined;
} | {
  topic: "operations";
} | {
  topic: "events";
  after?: number | undefined;
};

export interface UpdateVmData {
  id: string;
  name: string;
  description: string;
  status: VmStatus;
  /** Why the status is `error`; null otherwise. */
  statusReason: string | null;
  /** vCPUs. */
  cpu: number;
  /** MiB. */
  memory: number;
  /** GiB. */
  disk: number;
  /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
  os: string;
  /** An image's id. */
  image: string;
  /** A host's id. In a creation: for administrators only. */
  hostId: string;
  host: {
    id: string;
    name: string;
    status: HostStatus;
    /** When the host was last heard of; null while it is online. */
    asOf: string | null;
  };
  /** The user that it belongs to. */
  ownerId: string;
  network: string;
  /** Starts with its host. */
  autostart: boolean;
  /** Refuses to be deleted. */
  protected: boolean;
  /** Keys and values of one's own. */
  labels: Record<string, string>;
  ipAddresses: string[];
  /** `tcg` is emulation: right, but ten to thirty times slower than `kvm`. Null while nothing runs. */
  accelerator: "kvm" | "tcg" | null;
  createdAt: string;
  startedAt: string | null;
  updatedAt: string;
  operation: Operation | null;
  requiresRestart: boolean;
}

export type UpgradeHostBody = Record<string, never>;

export interface User {
  id: string;
  username: string;
  email: string | null;
  role: Role;
  permissions: PermissionChange[];
  plan: Plan;
  quotas: {
    vms: number | null;
    /** vCPUs. */
    cpu: number | null;
    /** MiB. */
    memory: number | null;
    /** GiB. */
    disk: number | null;
    snapshots: number | null;
  };
  status: UserStatus;
  lastLoginAt: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface UserCreate {
  username: string;
  email?: string | null | undefined;
  password: string;
  role?: "admin" | "user" | undefined;
  permissions?: ("*" | "+*" | "-*" | "vm:*" | "+vm:*" | "-vm:*" | "operation:*" | "+operation:*" | "-operation:*" | "event:*" | "+event:*" | "-event:*" | "image:*" | "+image:*" | "-image:*" | "host:*" | "+host:*" | "-host:*" | "user:*" | "+user:*" | "-user:*" | "role:*" | "+role:*" | "-role:*" | "account:*" | "+account:*" | "-account:*" | "token:*" | "+token:*" | "-token:*" | "system:*" | "+system:*" | "-system:*" | "config:*" | "+config:*" | "-config:*" | "log:*" | "+log:*" | "-log:*" | "audit:*" | "+audit:*" | "-audit:*" | "metrics:*" | "+metrics:*" | "-metrics:*" | "vm:read" | "+vm:read" | "-vm:read" | "vm:create" | "+vm:create" | "-vm:create" | "vm:update" | "+vm:update" | "-vm:update" | "vm:delete" | "+vm:delete" | "-vm:delete" | "vm:start" | "+vm:start" | "-vm:start" | "vm:stop" | "+vm:stop" | "-vm:stop" | "vm:restart" | "+vm:restart" | "-vm:restart" | "vm:pause" | "+vm:pause" | "-vm:pause" | "vm:resume" | "+vm:resume" | "-vm:resume" | "vm:reset" | "+vm:reset" | "-vm:reset" | "vm:console" | "+vm:console" | "-vm:console" | "vm:tunnel" | "+vm:tunnel" | "-vm:tunnel" | "operation:read" | "+operation:read" | "-operation:read" | "operation:cancel" | "+operation:cancel" | "-operation:cancel" | "event:read" | "+event:read" | "-event:read" | "image:read" | "+image:read" | "-image:read" | "image:create" | "+image:create" | "-image:create" | "image:delete" | "+image:delete" | "-image:delete" | "host:read" | "+host:read" | "-host:read" | "host:create" | "+host:create" | "-host:create" | "host:update" | "+host:update" | "-host:update" | "host:delete" | "+host:delete" | "-host:delete" | "user:read" | "+user:read" | "-user:read" | "user:create" | "+user:create" | "-user:create" | "user:update" | "+user:update" | "-user:update" | "user:delete" | "+user:delete" | "-user:delete" | "role:read" | "+role:read" | "-role:read" | "account:read" | "+account:read" | "-account:read" | "account:update" | "+account:update" | "-account:update" | "token:read" | "+token:read" | "-token:read" | "token:create" | "+token:create" | "-token:create" | "token:delete" | "+token:delete" | "-token:delete" | "system:read" | "+system:read" | "-system:read" | "config:read" | "+config:read" | "-config:read" | "config:update" | "+config:update" | "-config:update" | "log:read" | "+log:read" | "-log:read" | "audit:read" | "+audit:read" | "-audit:read" | "metrics:read" | "+metrics:read" | "-metrics:read")[] | undefined;
  plan?: "none" | "free" | undefined;
  quotas?: {
    vms?: number | null | undefined;
    /** vCPUs. */
    cpu?: number | null | undefined;
    /** MiB. */
    memory?: number | null | undefined;
    /** GiB. */
    disk?: number | null | undefined;
    snapshots?: number | null | undefined;
  } | undefined;
}

export interface UserList {
  users: User[];
  pagination: Pagination;
}

export interface UserPatch {
  username?: string | undefined;
  email?: string | null | undefined;
  password?: string | undefined;
  role?: "admin" | "user" | undefined;
  permissions?: ("*" | "+*" | "-*" | "vm:*" | "+vm:*" | "-vm:*" | "operation:*" | "+operation:*" | "-operation:*" | "event:*" | "+event:*" | "-event:*" | "image:*" | "+image:*" | "-image:*" | "host:*" | "+host:*" | "-host:*" | "user:*" | "+user:*" | "-user:*" | "role:*" | "+role:*" | "-role:*" | "account:*" | "+account:*" | "-account:*" | "token:*" | "+token:*" | "-token:*" | "system:*" | "+system:*" | "-system:*" | "config:*" | "+config:*" | "-config:*" | "log:*" | "+log:*" | "-log:*" | "audit:*" | "+audit:*" | "-audit:*" | "metrics:*" | "+metrics:*" | "-metrics:*" | "vm:read" | "+vm:read" | "-vm:read" | "vm:create" | "+vm:create" | "-vm:create" | "vm:update" | "+vm:update" | "-vm:update" | "vm:delete" | "+vm:delete" | "-vm:delete" | "vm:start" | "+vm:start" | "-vm:start" | "vm:stop" | "+vm:stop" | "-vm:stop" | "vm:restart" | "+vm:restart" | "-vm:restart" | "vm:pause" | "+vm:pause" | "-vm:pause" | "vm:resume" | "+vm:resume" | "-vm:resume" | "vm:reset" | "+vm:reset" | "-vm:reset" | "vm:console" | "+vm:console" | "-vm:console" | "vm:tunnel" | "+vm:tunnel" | "-vm:tunnel" | "operation:read" | "+operation:read" | "-operation:read" | "operation:cancel" | "+operation:cancel" | "-operation:cancel" | "event:read" | "+event:read" | "-event:read" | "image:read" | "+image:read" | "-image:read" | "image:create" | "+image:create" | "-image:create" | "image:delete" | "+image:delete" | "-image:delete" | "host:read" | "+host:read" | "-host:read" | "host:create" | "+host:create" | "-host:create" | "host:update" | "+host:update" | "-host:update" | "host:delete" | "+host:delete" | "-host:delete" | "user:read" | "+user:read" | "-user:read" | "user:create" | "+user:create" | "-user:create" | "user:update" | "+user:update" | "-user:update" | "user:delete" | "+user:delete" | "-user:delete" | "role:read" | "+role:read" | "-role:read" | "account:read" | "+account:read" | "-account:read" | "account:update" | "+account:update" | "-account:update" | "token:read" | "+token:read" | "-token:read" | "token:create" | "+token:create" | "-token:create" | "token:delete" | "+token:delete" | "-token:delete" | "system:read" | "+system:read" | "-system:read" | "config:read" | "+config:read" | "-config:read" | "config:update" | "+config:update" | "-config:update" | "log:read" | "+log:read" | "-log:read" | "audit:read" | "+audit:read" | "-audit:read" | "metrics:read" | "+metrics:read" | "-metrics:read")[] | undefined;
  plan?: "none" | "free" | undefined;
  quotas?: {
    vms?: number | null | undefined;
    /** vCPUs. */
    cpu?: number | null | undefined;
    /** MiB. */
    memory?: number | null | undefined;
    /** GiB. */
    disk?: number | null | undefined;
    snapshots?: number | null | undefined;
  } | undefined;
  status?: "active" | "disabled" | undefined;
}

export interface UserPut {
  username: string;
  email?: string | null | undefined;
  password?: string | undefined;
  role?: "admin" | "user" | undefined;
  permissions?: ("*" | "+*" | "-*" | "vm:*" | "+vm:*" | "-vm:*" | "operation:*" | "+operation:*" | "-operation:*" | "event:*" | "+event:*" | "-event:*" | "image:*" | "+image:*" | "-image:*" | "host:*" | "+host:*" | "-host:*" | "user:*" | "+user:*" | "-user:*" | "role:*" | "+role:*" | "-role:*" | "account:*" | "+account:*" | "-account:*" | "token:*" | "+token:*" | "-token:*" | "system:*" | "+system:*" | "-system:*" | "config:*" | "+config:*" | "-config:*" | "log:*" | "+log:*" | "-log:*" | "audit:*" | "+audit:*" | "-audit:*" | "metrics:*" | "+metrics:*" | "-metrics:*" | "vm:read" | "+vm:read" | "-vm:read" | "vm:create" | "+vm:create" | "-vm:create" | "vm:update" | "+vm:update" | "-vm:update" | "vm:delete" | "+vm:delete" | "-vm:delete" | "vm:start" | "+vm:start" | "-vm:start" | "vm:stop" | "+vm:stop" | "-vm:stop" | "vm:restart" | "+vm:restart" | "-vm:restart" | "vm:pause" | "+vm:pause" | "-vm:pause" | "vm:resume" | "+vm:resume" | "-vm:resume" | "vm:reset" | "+vm:reset" | "-vm:reset" | "vm:console" | "+vm:console" | "-vm:console" | "vm:tunnel" | "+vm:tunnel" | "-vm:tunnel" | "operation:read" | "+operation:read" | "-operation:read" | "operation:cancel" | "+operation:cancel" | "-operation:cancel" | "event:read" | "+event:read" | "-event:read" | "image:read" | "+image:read" | "-image:read" | "image:create" | "+image:create" | "-image:create" | "image:delete" | "+image:delete" | "-image:delete" | "host:read" | "+host:read" | "-host:read" | "host:create" | "+host:create" | "-host:create" | "host:update" | "+host:update" | "-host:update" | "host:delete" | "+host:delete" | "-host:delete" | "user:read" | "+user:read" | "-user:read" | "user:create" | "+user:create" | "-user:create" | "user:update" | "+user:update" | "-user:update" | "user:delete" | "+user:delete" | "-user:delete" | "role:read" | "+role:read" | "-role:read" | "account:read" | "+account:read" | "-account:read" | "account:update" | "+account:update" | "-account:update" | "token:read" | "+token:read" | "-token:read" | "token:create" | "+token:create" | "-token:create" | "token:delete" | "+token:delete" | "-token:delete" | "system:read" | "+system:read" | "-system:read" | "config:read" | "+config:read" | "-config:read" | "config:update" | "+config:update" | "-config:update" | "log:read" | "+log:read" | "-log:read" | "audit:read" | "+audit:read" | "-audit:read" | "metrics:read" | "+metrics:read" | "-metrics:read")[] | undefined;
  plan?: "none" | "free" | undefined;
  quotas?: {
    vms?: number | null | undefined;
    /** vCPUs. */
    cpu?: number | null | undefined;
    /** MiB. */
    memory?: number | null | undefined;
    /** GiB. */
    disk?: number | null | undefined;
    snapshots?: number | null | undefined;
  } | undefined;
  status?: "active" | "disabled" | undefined;
}

export type UserStatus = "active" | "disabled";

export interface Vm {
  id: string;
  name: string;
  description: string;
  status: VmStatus;
  /** Why the status is `error`; null otherwise. */
  statusReason: string | null;
  /** vCPUs. */
  cpu: number;
  /** MiB. */
  memory: number;
  /** GiB. */
  disk: number;
  /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
  os: string;
  /** An image's id. */
  image: string;
  /** A host's id. In a creation: for administrators only. */
  hostId: string;
  host: {
    id: string;
    name: string;
    status: HostStatus;
    /** When the host was last heard of; null while it is online. */
    asOf: string | null;
  };
  /** The user that it belongs to. */
  ownerId: string;
  network: string;
  /** Starts with its host. */
  autostart: boolean;
  /** Refuses to be deleted. */
  protected: boolean;
  /** Keys and values of one's own. */
  labels: Record<string, string>;
  ipAddresses: string[];
  /** `tcg` is emulation: right, but ten to thirty times slower than `kvm`. Null while nothing runs. */
  accelerator: "kvm" | "tcg" | null;
  createdAt: string;
  startedAt: string | null;
  updatedAt: string;
  operation: Operation | null;
}

export interface VmCreate {
  name: string;
  /** vCPUs. */
  cpu: number;
  /** MiB. */
  memory: number;
  /** GiB. */
  disk: number;
  /** A name of the catalogue, such as `tiny` or `ubuntu24.04`. */
  os?: string | undefined;
  /** An image's id. */
  image?: string | undefined;
  /** A host's id. In a creation: for administrators only. */
  hostId?: string | undefined;
  placement?: {
    /** Keys and values of one's own. */
    labels?: Record<string, string> | undefined;
    /** Only where machines run with KVM, and not by emulation. */
    kvm?: boolean | undefined;
    /** `spread`: the emptiest host first. `pack`: the fullest that has room. */
    strategy?: "spread" | "pack" | undefined;
  } | undefined;
  description?: string | undefined;
  /** Keys and values of one's own. */
  labels?: Record<string, string> | undefined;
  /** Starts with its host. */
  autostart?: boolean | undefined;
  /** Refuses to be deleted. */
  protected?: boolean | undefined;
  network?: "user" | undefined;
  cloudInit?: {
    hostname?: string | undefined;
    user?: string | undefined;
    password?: string | undefined;
    /** OpenSSH public keys. */
    sshKeys?: string[] | undefined;
    /** A whole `#cloud-config` document or script, in place of the one made from the other fields. */
    userData?: string | undefined;
  } | undefined;
  start?: boolean | undefined;
}

export interface VmRestart {
  mode?: "graceful" | "force" | undefined;
  /** Seconds that the guest has to power off before the power is cut; 30 where it is left out. */
  timeout?: number | undefined;
}

export interface VmSample {
  vmId: string;
  at: string;
  cpu: {
    usage: number;
    cores: number;
  };
  memory: {
    total: number;
    used: number;
    usage: number;
  };
  disk: {
    read: number;
    write: number;
  };
  network: {
    rx: number;
    tx: number;
  } | null;
}

export type VmStatus = "creating" | "stopped" | "starting" | "running" | "paused" | "stopping" | "suspended" | "deleting" | "error";

export interface VmStatusMessage {
  vmId: string;
  name: string;
  status: "creating" | "stopped" | "starting" | "running" | "paused" | "stopping" | "suspended" | "deleting" | "error" | "deleted";
  cpu: number | null;
  memory: number | null;
  network: {
    rx: number;
    tx: number;
  } | null;
}

export interface VmStop {
  /** Without asking the guest. */
  force?: boolean | undefined;
  /** Seconds that the guest has to power off before the power is cut; 30 where it is left out. */
  timeout?: number | undefined;
}

export interface VmUpdate {
  name?: string | undefined;
  description?: string | undefined;
  /** Keys and values of one's own. */
  labels?: Record<string, string> | undefined;
  /** Starts with its host. */
  autostart?: boolean | undefined;
  /** Refuses to be deleted. */
  protected?: boolean | undefined;
  /** vCPUs. */
  cpu?: number | undefined;
  /** MiB. */
  memory?: number | undefined;
  /** GiB. */
  disk?: number | undefined;
}

export interface WaitingFor {
  reason: "HOST_PENDING" | "HOST_OFFLINE" | "HOST_QUARANTINED" | "QUEUED_BEHIND" | "DELIVERY";
  message: string;
  /** A host's id. In a creation: for administrators only. */
  hostId: string;
  operationId: string | null;
  /** When it stops being good. */
  expiresAt: string;
}

/** By operation of the OpenAPI document: its query, its body, and what the answer holds. */
export interface Calls {
  cancelOperation: {
    query: Record<string, never>;
    body: CancelOperationBody;
    data: Operation;
  };
  changePassword: {
    query: Record<string, never>;
    body: PasswordChange;
    data: null;
  };
  createHost: {
    query: Record<string, never>;
    body: HostCreate;
    data: CreateHostData;
  };
  createImage: {
    query: Record<string, never>;
    body: ImageCreate;
    data: Image;
  };
  createSocketTicket: {
    query: Record<string, never>;
    body: CreateSocketTicketBody;
    data: SocketTicket;
  };
  createToken: {
    query: Record<string, never>;
    body: TokenCreate;
    data: TokenCreated;
  };
  createUser: {
    query: Record<string, never>;
    body: UserCreate;
    data: User;
  };
  createVm: {
    query: Record<string, never>;
    body: VmCreate;
    data: Vm;
  };
  deleteHost: {
    query: {
      force?: "true" | "false" | undefined;
    };
    body: null;
    data: null;
  };
  deleteImage: {
    query: Record<string, never>;
    body: null;
    data: null;
  };
  deleteToken: {
    query: Record<string, never>;
    body: null;
    data: null;
  };
  deleteUser: {
    query: Record<string, never>;
    body: null;
    data: null;
  };
  deleteVm: {
    query: {
      force?: "true" | "false" | undefined;
    };
    body: null;
    data: DeleteVmData;
  };
  drainHost: {
    query: Record<string, never>;
    body: HostDrain;
    data: DrainedHost;
  };
  getConfig: {
    query: Record<string, never>;
    body: null;
    data: Config;
  };
  getHealth: {
    query: Record<string, never>;
    body: null;
    data: GetHealthData;
  };
  getHost: {
    query: Record<string, never>;
    body: null;
    data: Host;
  };
  getImage: {
    query: Record<string, never>;
    body: null;
    data: Image;
  };
  getMe: {
    query: Record<string, never>;
    body: null;
    data: Me;
  };
  getMetrics: {
    query: Record<string, never>;
    body: null;
    data: string;
  };
  getOpenApi: {
    query: Record<string, never>;
    body: null;
    data: GetOpenApiAnswer;
  };
  getOperation: {
    query: {
      wait?: number | undefined;
    };
    body: null;
    data: Operation;
  };
  getSerialConsole: {
    query: {
      viewOnly?: "true" | "false" | undefined;
    };
    body: null;
    data: StreamTicket;
  };
  getSystemInfo: {
    query: Record<string, never>;
    body: null;
    data: SystemInfo;
  };
  getSystemStats: {
    query: {
      period?: "1h" | "24h" | "7d" | "30d" | undefined;
    };
    body: null;
    data: SystemStats;
  };
  getTunnelTicket: {
    query: {
      port?: number | undefined;
    };
    body: null;
    data: StreamTicket;
  };
  getUser: {
    query: Record<string, never>;
    body: null;
    data: User;
  };
  getVm: {
    query: Record<string, never>;
    body: null;
    data: Vm;
  };
  getVncConsole: {
    query: {
      viewOnly?: "true" | "false" | undefined;
    };
    body: null;
    data: StreamTicket;
  };
  listAudit: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
      after?: string | undefined;
      userId?: string | undefined;
      result?: "succeeded" | "refused" | "failed" | undefined;
    };
    body: null;
    data: AuditList;
  };
  listEvents: {
    query: {
      after?: number | undefined;
      limit?: number | undefined;
      vmId?: string | undefined;
    };
    body: null;
    data: EventList;
  };
  listHosts: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
      status?: "pending" | "online" | "offline" | "quarantined" | undefined;
      search?: string | undefined;
      schedulable?: "true" | "false" | undefined;
    };
    body: null;
    data: ListHostsData;
  };
  listImages: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
      os?: string | undefined;
      source?: "catalogue" | "custom" | undefined;
      search?: string | undefined;
    };
    body: null;
    data: ListImagesData;
  };
  listLogs: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
      after?: string | undefined;
      level?: "info" | "warn" | "error" | undefined;
      source?: "auth" | "host" | "operation" | "system" | "vm" | undefined;
      from?: string | undefined;
      to?: string | undefined;
      userId?: string | undefined;
      vmId?: string | undefined;
    };
    body: null;
    data: LogList;
  };
  listOperations: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
      id?: string | string[] | undefined;
      vmId?: string | undefined;
      status?: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "unknown" | undefined;
      kind?: "vm.create" | "vm.start" | "vm.stop" | "vm.restart" | "vm.pause" | "vm.resume" | "vm.reset" | "vm.delete" | "vm.update" | undefined;
      after?: string | undefined;
      sort?: "createdAt" | "-createdAt" | undefined;
    };
    body: null;
    data: ListOperationsData;
  };
  listPermissions: {
    query: Record<string, never>;
    body: null;
    data: PermissionList;
  };
  listRoles: {
    query: Record<string, never>;
    body: null;
    data: RoleList;
  };
  listTokens: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
    };
    body: null;
    data: TokenList;
  };
  listUsers: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
      role?: "admin" | "user" | undefined;
      status?: "active" | "disabled" | undefined;
    };
    body: null;
    data: UserList;
  };
  listVmEvents: {
    query: {
      after?: number | undefined;
      limit?: number | undefined;
    };
    body: null;
    data: EventList;
  };
  listVms: {
    query: {
      page?: number | undefined;
      limit?: number | undefined;
      status?: "creating" | "stopped" | "starting" | "running" | "paused" | "stopping" | "suspended" | "deleting" | "error" | undefined;
      host?: string | undefined;
      label?: string | undefined;
      search?: string | undefined;
      sort?: "createdAt" | "name" | "status" | "cpu" | "memory" | "disk" | "-createdAt" | "-name" | "-status" | "-cpu" | "-memory" | "-disk" | undefined;
    };
    body: null;
    data: ListVmsData;
  };
  login: {
    query: Record<string, never>;
    body: LoginRequest;
    data: Login;
  };
  logout: {
    query: Record<string, never>;
    body: LogoutBody;
    data: null;
  };
  pauseVm: {
    query: Record<string, never>;
    body: PauseVmBody;
    data: DeleteVmData;
  };
  putVmConfig: {
    query: Record<string, never>;
    body: VmUpdate;
    data: UpdateVmData;
  };
  refreshTokens: {
    query: Record<string, never>;
    body: RefreshRequest;
    data: Login;
  };
  releaseHost: {
    query: Record<string, never>;
    body: ReleaseHostBody;
    data: Host;
  };
  renewHostToken: {
    query: Record<string, never>;
    body: null;
    data: RenewHostTokenData;
  };
  replaceUser: {
    query: Record<string, never>;
    body: UserPut;
    data: User;
  };
  resetVm: {
    query: Record<string, never>;
    body: ResetVmBody;
    data: DeleteVmData;
  };
  restartVm: {
    query: Record<string, never>;
    body: VmRestart;
    data: DeleteVmData;
  };
  resumeVm: {
    query: Record<string, never>;
    body: ResumeVmBody;
    data: DeleteVmData;
  };
  startVm: {
    query: Record<string, never>;
    body: StartVmBody;
    data: DeleteVmData;
  };
  stopVm: {
    query: Record<string, never>;
    body: VmStop;
    data: DeleteVmData;
  };
  updateConfig: {
    query: Record<string, never>;
    body: ConfigUpdate;
    data: Config;
  };
  updateHost: {
    query: Record<string, never>;
    body: HostUpdate;
    data: Host;
  };
  updateUser: {
    query: Record<string, never>;
    body: UserPatch;
    data: User;
  };
  updateVm: {
    query: Record<string, never>;
    body: VmUpdate;
    data: UpdateVmData;
  };
  upgradeHost: {
    query: Record<string, never>;
    body: UpgradeHostBody;
    data: Host;
  };
}

/** What an answer's `error.code` may be. */
export type ApiErrorCode =
  | "INVALID_REQUEST_PARAMS"
  | "UNAUTHENTICATED"
  | "INVALID_CREDENTIALS"
  | "TOKEN_EXPIRED"
  | "FORBIDDEN"
  | "DEFAULT_PASSWORD_REFUSED"
  | "WRONG_PASSWORD"
  | "QUOTA_EXCEEDED"
  | "NOT_FOUND"
  | "VM_NOT_FOUND"
  | "OPERATION_NOT_FOUND"
  | "USER_NOT_FOUND"
  | "TOKEN_NOT_FOUND"
  | "IMAGE_NOT_FOUND"
  | "HOST_NOT_FOUND"
  | "STREAM_NOT_FOUND"
  | "CONSOLE_OPEN"
  | "TICKET_SPENT"
  | "NAME_TAKEN"
  | "LAST_ADMIN"
  | "USER_HAS_VMS"
  | "VM_ALREADY_RUNNING"
  | "VM_NOT_RUNNING"
  | "VM_ALREADY_PAUSED"
  | "VM_NOT_PAUSED"
  | "VM_RUNNING"
  | "VM_DELETING"
  | "VM_PROTECTED"
  | "TOO_MANY_OPERATIONS"
  | "OPERATION_ENDED"
  | "OPERATION_RUNNING"
  | "VM_UPDATE_PENDING"
  | "VM_SUSPENDED"
  | "HOST_HAS_VMS"
  | "HOST_NOT_UPDATABLE"
  | "HOST_MAINTENANCE"
  | "HOST_NOT_QUARANTINED"
  | "IMAGE_IN_USE"
  | "ENROLMENT_SPENT"
  | "ENROLMENT_EXPIRED"
  | "EVENTS_EXPIRED"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "PRECONDITION_FAILED"
  | "URL_FORBIDDEN"
  | "TEXT_NOT_TYPED"
  | "IDEMPOTENCY_MISMATCH"
  | "IDEMPOTENCY_IN_PROGRESS"
  | "TOO_MANY_CONNECTIONS"
  | "RATE_LIMITED"
  | "TOO_MANY_STREAMS"
  | "TOO_MANY_SUBSCRIPTIONS"
  | "UPGRADE_REQUIRED"
  | "INTERNAL_SERVER_ERROR"
  | "HOST_OFFLINE"
  | "UNAVAILABLE"
  | "INSUFFICIENT_CAPACITY";

/** Why an operation may have failed on its host. */
export type OperationErrorCode =
  | "IMAGE_UNAVAILABLE"
  | "IMAGE_CHECKSUM_MISMATCH"
  | "IMAGE_UNSAFE"
  | "IMAGE_TOO_LARGE"
  | "NO_SPACE"
  | "QEMU_FAILED"
  | "EMULATION_FORBIDDEN"
  | "VM_MISSING"
  | "VM_NOT_RUNNING"
  | "STALE_GENERATION"
  | "OPERATION_EXPIRED"
  | "CANCELLED"
  | "OUTCOME_UNKNOWN"
  | "INVALID_ORDER"
  | "HOST_ERROR";

/** Why a stream was not opened, or has ended. */
export type StreamErrorCode =
  | "VM_MISSING"
  | "VM_NOT_RUNNING"
  | "QEMU_FAILED"
  | "HOST_ERROR"
  | "PORT_CLOSED"
  | "GUEST_UNREACHABLE"
  | "SSH_AUTH_FAILED"
  | "SSH_KEY_INVALID"
  | "SSH_FAILED"
  | "HOST_KEY_CHANGED"
  | "STREAM_LOST"
  | "STREAM_IDLE"
  | "TOO_MANY_STREAMS"
  | "HOST_OFFLINE"
  | "READER_TOO_SLOW"
  | "STREAM_MALFORMED";

/** What failed so on a host may succeed when it is asked for again. */
export const retryableErrors: readonly string[] = ["IMAGE_UNAVAILABLE","IMAGE_CHECKSUM_MISMATCH","NO_SPACE","QEMU_FAILED","OPERATION_EXPIRED","CANCELLED","HOST_ERROR","PORT_CLOSED","GUEST_UNREACHABLE","SSH_FAILED","STREAM_LOST","STREAM_IDLE","TOO_MANY_STREAMS","HOST_OFFLINE","READER_TOO_SLOW"];

export const creditProtocol = "voidvm.credit.v1";

/** Bytes. */
export const streamWindow = 262144;

/** Bytes. */
export const tunnelWindow = 1048576;

/** Bytes. */
export const maxStreamFrame = 65536;

export const closeCodes = {"tooLarge":1009,"restarting":1012,"malformed":4400,"unauthenticated":4401,"notFound":4404,"tooSlow":4408,"replaced":4409,"tooMany":4429} as const;
