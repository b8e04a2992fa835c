"""What the API answers.

Made from the API's own schemas by `node scripts/write-python-sdk.ts`; a test keeps it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Union, overload

from ._model import Model

AuditCredential = Literal["session", "token", "host", "none"]

AuditResult = Literal["succeeded", "refused", "failed"]

Grant = Literal[
    "*",
    "vm:*",
    "operation:*",
    "event:*",
    "image:*",
    "host:*",
    "user:*",
    "role:*",
    "account:*",
    "token:*",
    "system:*",
    "config:*",
    "log:*",
    "audit:*",
    "metrics:*",
    "vm:read",
    "vm:create",
    "vm:update",
    "vm:delete",
    "vm:start",
    "vm:stop",
    "vm:restart",
    "vm:pause",
    "vm:resume",
    "vm:reset",
    "vm:console",
    "vm:tunnel",
    "operation:read",
    "operation:cancel",
    "event:read",
    "image:read",
    "image:create",
    "image:delete",
    "host:read",
    "host:create",
    "host:update",
    "host:delete",
    "user:read",
    "user:create",
    "user:update",
    "user:delete",
    "role:read",
    "account:read",
    "account:update",
    "token:read",
    "token:create",
    "token:delete",
    "system:read",
    "config:read",
    "config:update",
    "log:read",
    "audit:read",
    "metrics:read",
]

HostBlocker = Literal[
    "pending",
    "offline",
    "quarantined",
    "maintenance",
    "draining",
    "no-accelerator",
]

HostStatus = Literal["pending", "online", "offline", "quarantined"]

LogLevel = Literal["info", "warn", "error"]

LogSource = Literal["auth", "host", "operation", "system", "vm"]

OperationKind = Literal[
    "vm.create",
    "vm.start",
    "vm.stop",
    "vm.restart",
    "vm.pause",
    "vm.resume",
    "vm.reset",
    "vm.delete",
    "vm.update",
]

OperationStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "unknown"]

Permission = Literal[
    "vm:read",
    "vm:create",
    "vm:update",
    "vm:delete",
    "vm:start",
    "vm:stop",
    "vm:restart",
    "vm:pause",
    "vm:resume",
    "vm:reset",
    "vm:console",
    "vm:tunnel",
    "operation:read",
    "operation:cancel",
    "event:read",
    "image:read",
    "image:create",
    "image:delete",
    "host:read",
    "host:create",
    "host:update",
    "host:delete",
    "user:read",
    "user:create",
    "user:update",
    "user:delete",
    "role:read",
    "account:read",
    "account:update",
    "token:read",
    "token:create",
    "token:delete",
    "system:read",
    "config:read",
    "config:update",
    "log:read",
    "audit:read",
    "metrics:read",
]

PermissionChange = Literal[
    "*",
    "+*",
    "-*",
    "vm:*",
    "+vm:*",
    "-vm:*",
    "operation:*",
    "+operation:*",
    "-operation:*",
    "event:*",
    "+event:*",
    "-event:*",
    "image:*",
    "+image:*",
    "-image:*",
    "host:*",
    "+host:*",
    "-host:*",
    "user:*",
    "+user:*",
    "-user:*",
    "role:*",
    "+role:*",
    "-role:*",
    "account:*",
    "+account:*",
    "-account:*",
    "token:*",
    "+token:*",
    "-token:*",
    "system:*",
    "+system:*",
    "-system:*",
    "config:*",
    "+config:*",
    "-config:*",
    "log:*",
    "+log:*",
    "-log:*",
    "audit:*",
    "+audit:*",
    "-audit:*",
    "metrics:*",
    "+metrics:*",
    "-metrics:*",
    "vm:read",
    "+vm:read",
    "-vm:read",
    "vm:create",
    "+vm:create",
    "-vm:create",
    "vm:update",
    "+vm:update",
    "-vm:update",
    "vm:delete",
    "+vm:delete",
    "-vm:delete",
    "vm:start",
    "+vm:start",
    "-vm:start",
    "vm:stop",
    "+vm:stop",
    "-vm:stop",
    "vm:restart",
    "+vm:restart",
    "-vm:restart",
    "vm:pause",
    "+vm:pause",
    "-vm:pause",
    "vm:resume",
    "+vm:resume",
    "-vm:resume",
    "vm:reset",
    "+vm:reset",
    "-vm:reset",
    "vm:console",
    "+vm:console",
    "-vm:console",
    "vm:tunnel",
    "+vm:tunnel",
    "-vm:tunnel",
    "operation:read",
    "+operation:read",
    "-operation:read",
    "operation:cancel",
    "+operation:cancel",
    "-operation:cancel",
    "event:read",
    "+event:read",
    "-event:read",
    "image:read",
    "+image:read",
    "-image:read",
    "image:create",
    "+image:create",
    "-image:create",
    "image:delete",
    "+image:delete",
    "-image:delete",
    "host:read",
    "+host:read",
    "-host:read",
    "host:create",
    "+host:create",
    "-host:create",
    "host:update",
    "+host:update",
    "-host:update",
    "host:delete",
    "+host:delete",
    "-host:delete",
    "user:read",
    "+user:read",
    "-user:read",
    "user:create",
    "+user:create",
    "-user:create",
    "user:update",
    "+user:update",
    "-user:update",
    "user:delete",
    "+user:delete",
    "-user:delete",
    "role:read",
    "+role:read",
    "-role:read",
    "account:read",
    "+account:read",
    "-account:read",
    "account:update",
    "+account:update",
    "-account:update",
    "token:read",
    "+token:read",
    "-token:read",
    "token:create",
    "+token:create",
    "-token:create",
    "token:delete",
    "+token:delete",
    "-token:delete",
    "system:read",
    "+system:read",
    "-system:read",
    "config:read",
    "+config:read",
    "-config:read",
    "config:update",
    "+config:update",
    "-config:update",
    "log:read",
    "+log:read",
    "-log:read",
    "audit:read",
    "+audit:read",
    "-audit:read",
    "metrics:read",
    "+metrics:read",
    "-metrics:read",
]

PlacementStrategy = Literal["spread", "pack"]

Plan = Literal["none", "free"]

Role = Literal["admin", "user"]

StatsPeriod = Literal["1h", "24h", "7d", "30d"]

UserStatus = Literal["active", "disabled"]

VmStatus = Literal[
    "creating",
    "stopped",
    "starting",
    "running",
    "paused",
    "stopping",
    "suspended",
    "deleting",
    "error",
]


class AuditEntryUser(Model):
    id: str
    username: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "username"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class AuditEntryCredential(Model):
    type: AuditCredential
    id: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["type"]) -> AuditCredential: ...

        @overload
        def __getitem__(self, key: Literal["id"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class AuditEntry(Model):
    id: str
    timestamp: str
    user: Optional[AuditEntryUser]
    credential: AuditEntryCredential
    address: Optional[str]
    method: str
    route: str
    path: str
    #: The `X-Request-Id` of the request that asked for it.
    request_id: str
    result: AuditResult
    #: Never changes its meaning: branch on it.
    code: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["id", "timestamp", "method", "route", "path", "requestId"],
        ) -> str: ...

        @overload
        def __getitem__(self, key: Literal["user"]) -> Optional[AuditEntryUser]: ...

        @overload
        def __getitem__(self, key: Literal["credential"]) -> AuditEntryCredential: ...

        @overload
        def __getitem__(self, key: Literal["address", "code"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["result"]) -> AuditResult: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class ConfigLimits(Model):
    requests_per_minute: int
    logins_per_minute: int
    web_sockets_per_user: int
    vms_per_free_user: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal[
                "requestsPerMinute",
                "loginsPerMinute",
                "webSocketsPerUser",
                "vmsPerFreeUser",
            ],
        ) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class ConfigDefaults(Model):
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int
    #: A name of the catalogue, such as `tiny` or `ubuntu24.04`.
    os: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["os"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class ConfigStorage(Model):
    max_disk: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["maxDisk"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class ConfigNetwork(Model):
    default_mode: Literal["user"]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["defaultMode"]) -> Literal["user"]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class ConfigAgents(Model):
    auto_update: bool
    updates_at_once: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["autoUpdate"]) -> bool: ...

        @overload
        def __getitem__(self, key: Literal["updatesAtOnce"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class ConfigPlacementOvercommit(Model):
    #: vCPUs.
    cpu: float
    #: MiB.
    memory: float
    #: GiB.
    disk: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class ConfigPlacement(Model):
    #: `spread`: the emptiest host first. `pack`: the fullest that has room.
    strategy: PlacementStrategy
    overcommit: ConfigPlacementOvercommit

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["strategy"]) -> PlacementStrategy: ...

        @overload
        def __getitem__(self, key: Literal["overcommit"]) -> ConfigPlacementOvercommit: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Config(Model):
    limits: ConfigLimits
    defaults: ConfigDefaults
    storage: ConfigStorage
    network: ConfigNetwork
    agents: ConfigAgents
    placement: ConfigPlacement

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["limits"]) -> ConfigLimits: ...

        @overload
        def __getitem__(self, key: Literal["defaults"]) -> ConfigDefaults: ...

        @overload
        def __getitem__(self, key: Literal["storage"]) -> ConfigStorage: ...

        @overload
        def __getitem__(self, key: Literal["network"]) -> ConfigNetwork: ...

        @overload
        def __getitem__(self, key: Literal["agents"]) -> ConfigAgents: ...

        @overload
        def __getitem__(self, key: Literal["placement"]) -> ConfigPlacement: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class CreatedHostEnrolment(Model):
    token: str
    #: When it stops being good.
    expires_at: str
    command: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["token", "expiresAt", "command"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class CreatedHost(Model):
    host: Host
    enrolment: CreatedHostEnrolment

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["host"]) -> Host: ...

        @overload
        def __getitem__(self, key: Literal["enrolment"]) -> CreatedHostEnrolment: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class DrainedHostStopping(Model):
    vm_id: str
    operation_id: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["vmId", "operationId"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class DrainedHostRemaining(Model):
    vms: int
    by_status: Dict[str, int]
    operations: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["vms", "operations"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["byStatus"]) -> Dict[str, int]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class DrainedHost(Model):
    host: Host
    stopping: List[DrainedHostStopping]
    remaining: DrainedHostRemaining

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["host"]) -> Host: ...

        @overload
        def __getitem__(self, key: Literal["stopping"]) -> List[DrainedHostStopping]: ...

        @overload
        def __getitem__(self, key: Literal["remaining"]) -> DrainedHostRemaining: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class EventList(Model):
    events: List[SystemEvent]
    #: The id of the last entry that was read: what came later follows, however much is added
    #: meanwhile.
    after: int
    more: bool

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["events"]) -> List[SystemEvent]: ...

        @overload
        def __getitem__(self, key: Literal["after"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["more"]) -> bool: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Health(Model):
    status: Literal["ok"]
    version: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["status"]) -> Literal["ok"]: ...

        @overload
        def __getitem__(self, key: Literal["version"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostAgentUpdate(Model):
    version: str
    ordered_at: Optional[str]
    error: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["version"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["orderedAt", "error"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostOvercommit(Model):
    #: vCPUs.
    cpu: float
    #: MiB.
    memory: float
    #: GiB.
    disk: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostCapacity(Model):
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostAllocated(Model):
    vms: int
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["vms", "cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Host(Model):
    id: str
    name: str
    status: HostStatus
    #: Why the status is `error`; null otherwise.
    status_reason: Optional[str]
    schedulable: bool
    maintenance: bool
    #: What keeps new machines away, room apart; empty where they may come.
    blocked_by: List[HostBlocker]
    #: Keys and values of one's own.
    labels: Dict[str, str]
    #: What the host found out about itself; null until it has connected for the first time.
    facts: Optional[Dict[str, Any]]
    agent_version: Optional[str]
    updatable: bool
    agent_update: Optional[HostAgentUpdate]
    overcommit: HostOvercommit
    capacity: HostCapacity
    allocated: HostAllocated
    images: List[str]
    last_seen_at: Optional[str]
    created_at: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "name", "createdAt"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> HostStatus: ...

        @overload
        def __getitem__(
            self,
            key: Literal["statusReason", "agentVersion", "lastSeenAt"],
        ) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["schedulable", "maintenance", "updatable"]) -> bool: ...

        @overload
        def __getitem__(self, key: Literal["blockedBy"]) -> List[HostBlocker]: ...

        @overload
        def __getitem__(self, key: Literal["labels"]) -> Dict[str, str]: ...

        @overload
        def __getitem__(self, key: Literal["facts"]) -> Optional[Dict[str, Any]]: ...

        @overload
        def __getitem__(self, key: Literal["agentUpdate"]) -> Optional[HostAgentUpdate]: ...

        @overload
        def __getitem__(self, key: Literal["overcommit"]) -> HostOvercommit: ...

        @overload
        def __getitem__(self, key: Literal["capacity"]) -> HostCapacity: ...

        @overload
        def __getitem__(self, key: Literal["allocated"]) -> HostAllocated: ...

        @overload
        def __getitem__(self, key: Literal["images"]) -> List[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostSampleCpu(Model):
    usage: float
    cores: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["usage"]) -> float: ...

        @overload
        def __getitem__(self, key: Literal["cores"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostSampleMemory(Model):
    #: How many entries there are.
    total: float
    used: float
    usage: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["total", "used", "usage"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostSampleDisk(Model):
    read: float
    write: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["read", "write"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostSampleNetwork(Model):
    rx: float
    tx: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["rx", "tx"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class HostSample(Model):
    #: A host's id. In a creation: for administrators only.
    host_id: Optional[str]
    at: str
    #: vCPUs.
    cpu: HostSampleCpu
    #: MiB.
    memory: HostSampleMemory
    #: GiB.
    disk: HostSampleDisk
    network: HostSampleNetwork

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["hostId"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["at"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["cpu"]) -> HostSampleCpu: ...

        @overload
        def __getitem__(self, key: Literal["memory"]) -> HostSampleMemory: ...

        @overload
        def __getitem__(self, key: Literal["disk"]) -> HostSampleDisk: ...

        @overload
        def __getitem__(self, key: Literal["network"]) -> HostSampleNetwork: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Image(Model):
    id: str
    #: A name of the catalogue, such as `tiny` or `ubuntu24.04`.
    os: str
    name: str
    format: Literal["qcow2", "raw"]
    #: GiB.
    min_disk: int
    default_user: str
    url: Optional[str]
    sha256: Optional[str]
    source: Literal["catalogue", "custom"]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "os", "name", "defaultUser"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["format"]) -> Literal["qcow2", "raw"]: ...

        @overload
        def __getitem__(self, key: Literal["minDisk"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["url", "sha256"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["source"]) -> Literal["catalogue", "custom"]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class LogEntry(Model):
    id: str
    timestamp: str
    level: LogLevel
    message: str
    source: LogSource
    user_id: Optional[str]
    vm_id: Optional[str]
    metadata: Dict[str, Optional[Union[str, float]]]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "timestamp", "message"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["level"]) -> LogLevel: ...

        @overload
        def __getitem__(self, key: Literal["source"]) -> LogSource: ...

        @overload
        def __getitem__(self, key: Literal["userId", "vmId"]) -> Optional[str]: ...

        @overload
        def __getitem__(
            self,
            key: Literal["metadata"],
        ) -> Dict[str, Optional[Union[str, float]]]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Login(Model):
    token: str
    #: When it stops being good.
    expires_at: str
    refresh_token: str
    refresh_expires_at: str
    user: User

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["token", "expiresAt", "refreshToken", "refreshExpiresAt"],
        ) -> str: ...

        @overload
        def __getitem__(self, key: Literal["user"]) -> User: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class MeQuotas(Model):
    vms: Optional[int]
    #: vCPUs.
    cpu: Optional[int]
    #: MiB.
    memory: Optional[int]
    #: GiB.
    disk: Optional[int]
    snapshots: Optional[int]

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["vms", "cpu", "memory", "disk", "snapshots"],
        ) -> Optional[int]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Me(Model):
    id: str
    username: str
    email: Optional[str]
    role: Role
    permissions: List[PermissionChange]
    plan: Plan
    quotas: MeQuotas
    status: UserStatus
    last_login_at: Optional[str]
    created_at: str
    updated_at: str
    allowed: List[Permission]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "username", "createdAt", "updatedAt"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["email", "lastLoginAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["role"]) -> Role: ...

        @overload
        def __getitem__(self, key: Literal["permissions"]) -> List[PermissionChange]: ...

        @overload
        def __getitem__(self, key: Literal["plan"]) -> Plan: ...

        @overload
        def __getitem__(self, key: Literal["quotas"]) -> MeQuotas: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> UserStatus: ...

        @overload
        def __getitem__(self, key: Literal["allowed"]) -> List[Permission]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class OperationProgress(Model):
    #: 0 to 100.
    percent: int
    step: Optional[str]
    message: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["percent"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["step", "message"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class OperationResource(Model):
    type: Literal["vm"]
    id: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["type"]) -> Literal["vm"]: ...

        @overload
        def __getitem__(self, key: Literal["id"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class OperationError(Model):
    #: Never changes its meaning: branch on it.
    code: str
    message: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["code", "message"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Operation(Model):
    id: str
    kind: OperationKind
    status: OperationStatus
    waiting_for: Optional[WaitingFor]
    progress: OperationProgress
    resource: OperationResource
    #: A host's id. In a creation: for administrators only.
    host_id: str
    user_id: str
    #: The `X-Request-Id` of the request that asked for it.
    request_id: str
    result: Optional[Dict[str, Any]]
    error: Optional[OperationError]
    created_at: str
    started_at: Optional[str]
    finished_at: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["id", "hostId", "userId", "requestId", "createdAt"],
        ) -> str: ...

        @overload
        def __getitem__(self, key: Literal["kind"]) -> OperationKind: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> OperationStatus: ...

        @overload
        def __getitem__(self, key: Literal["waitingFor"]) -> Optional[WaitingFor]: ...

        @overload
        def __getitem__(self, key: Literal["progress"]) -> OperationProgress: ...

        @overload
        def __getitem__(self, key: Literal["resource"]) -> OperationResource: ...

        @overload
        def __getitem__(self, key: Literal["result"]) -> Optional[Dict[str, Any]]: ...

        @overload
        def __getitem__(self, key: Literal["error"]) -> Optional[OperationError]: ...

        @overload
        def __getitem__(self, key: Literal["startedAt", "finishedAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Pagination(Model):
    #: From 1.
    page: int
    #: Entries a page.
    limit: int
    #: How many entries there are.
    total: int
    #: How many pages there are.
    pages: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["page", "limit", "total", "pages"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class PermissionListPermissions(Model):
    name: Permission
    description: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["name"]) -> Permission: ...

        @overload
        def __getitem__(self, key: Literal["description"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class PermissionList(Model):
    permissions: List[PermissionListPermissions]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["permissions"]) -> List[PermissionListPermissions]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class RenewedHostTokenEnrolment(Model):
    token: str
    #: When it stops being good.
    expires_at: str
    command: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["token", "expiresAt", "command"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class RenewedHostToken(Model):
    enrolment: RenewedHostTokenEnrolment

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["enrolment"]) -> RenewedHostTokenEnrolment: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class RoleListRoles(Model):
    name: Role
    description: str
    sees: Literal["all", "own"]
    grants: List[Grant]
    permissions: List[Permission]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["name"]) -> Role: ...

        @overload
        def __getitem__(self, key: Literal["description"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["sees"]) -> Literal["all", "own"]: ...

        @overload
        def __getitem__(self, key: Literal["grants"]) -> List[Grant]: ...

        @overload
        def __getitem__(self, key: Literal["permissions"]) -> List[Permission]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class RoleList(Model):
    roles: List[RoleListRoles]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["roles"]) -> List[RoleListRoles]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class StatsPointHosts(Model):
    #: How many entries there are.
    total: int
    online: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["total", "online"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class StatsPointAllocated(Model):
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class StatsPointCapacity(Model):
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class StatsPoint(Model):
    at: str
    vms: Dict[str, int]
    hosts: StatsPointHosts
    allocated: StatsPointAllocated
    capacity: StatsPointCapacity

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["at"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["vms"]) -> Dict[str, int]: ...

        @overload
        def __getitem__(self, key: Literal["hosts"]) -> StatsPointHosts: ...

        @overload
        def __getitem__(self, key: Literal["allocated"]) -> StatsPointAllocated: ...

        @overload
        def __getitem__(self, key: Literal["capacity"]) -> StatsPointCapacity: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class StreamTicket(Model):
    url: str
    #: When it stops being good.
    expires_at: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["url", "expiresAt"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemEvent(Model):
    seq: int
    event: str
    timestamp: str
    level: LogLevel
    message: str
    vm_id: Optional[str]
    #: A host's id. In a creation: for administrators only.
    host_id: Optional[str]
    operation_id: Optional[str]
    user_id: Optional[str]
    data: Dict[str, Optional[str]]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["seq"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["event", "timestamp", "message"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["level"]) -> LogLevel: ...

        @overload
        def __getitem__(
            self,
            key: Literal["vmId", "hostId", "operationId", "userId"],
        ) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["data"]) -> Dict[str, Optional[str]]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemInfoHostsResources(Model):
    cpus: int
    memory_mib: int
    disk_gib: int
    disk_free_gib: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["cpus", "memoryMib", "diskGib", "diskFreeGib"],
        ) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemInfoHostsCapacity(Model):
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemInfoHostsAllocated(Model):
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemInfoHosts(Model):
    #: How many entries there are.
    total: int
    online: int
    resources: SystemInfoHostsResources
    capacity: SystemInfoHostsCapacity
    allocated: SystemInfoHostsAllocated
    qemu_versions: List[str]
    accelerators: List[str]
    with_kvm: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["total", "online", "withKvm"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["resources"]) -> SystemInfoHostsResources: ...

        @overload
        def __getitem__(self, key: Literal["capacity"]) -> SystemInfoHostsCapacity: ...

        @overload
        def __getitem__(self, key: Literal["allocated"]) -> SystemInfoHostsAllocated: ...

        @overload
        def __getitem__(self, key: Literal["qemuVersions", "accelerators"]) -> List[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemInfoVms(Model):
    #: How many entries there are.
    total: int
    by_status: Dict[str, int]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["total"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["byStatus"]) -> Dict[str, int]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemInfo(Model):
    name: str
    version: str
    api_version: str
    started_at: str
    #: Seconds.
    uptime_seconds: int
    hosts: SystemInfoHosts
    vms: SystemInfoVms

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["name", "version", "apiVersion", "startedAt"],
        ) -> str: ...

        @overload
        def __getitem__(self, key: Literal["uptimeSeconds"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["hosts"]) -> SystemInfoHosts: ...

        @overload
        def __getitem__(self, key: Literal["vms"]) -> SystemInfoVms: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class SystemStats(Model):
    period: StatsPeriod
    step_seconds: int
    current: StatsPoint
    series: List[StatsPoint]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["period"]) -> StatsPeriod: ...

        @overload
        def __getitem__(self, key: Literal["stepSeconds"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["current"]) -> StatsPoint: ...

        @overload
        def __getitem__(self, key: Literal["series"]) -> List[StatsPoint]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Token(Model):
    id: str
    name: str
    scopes: List[Grant]
    #: When it stops being good.
    expires_at: Optional[str]
    last_used_at: Optional[str]
    created_at: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "name", "createdAt"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["scopes"]) -> List[Grant]: ...

        @overload
        def __getitem__(self, key: Literal["expiresAt", "lastUsedAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class TokenCreated(Model):
    id: str
    name: str
    scopes: List[Grant]
    #: When it stops being good.
    expires_at: Optional[str]
    last_used_at: Optional[str]
    created_at: str
    token: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "name", "createdAt", "token"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["scopes"]) -> List[Grant]: ...

        @overload
        def __getitem__(self, key: Literal["expiresAt", "lastUsedAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class UpdatedVmHost(Model):
    id: str
    name: str
    status: HostStatus
    #: When the host was last heard of; null while it is online.
    as_of: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "name"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> HostStatus: ...

        @overload
        def __getitem__(self, key: Literal["asOf"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class UpdatedVm(Model):
    id: str
    name: str
    description: str
    status: VmStatus
    #: Why the status is `error`; null otherwise.
    status_reason: Optional[str]
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int
    #: A name of the catalogue, such as `tiny` or `ubuntu24.04`.
    os: str
    #: An image's id.
    image: str
    #: A host's id. In a creation: for administrators only.
    host_id: str
    host: UpdatedVmHost
    #: The user that it belongs to.
    owner_id: str
    network: str
    #: Starts with its host.
    autostart: bool
    #: Refuses to be deleted.
    protected: bool
    #: Keys and values of one's own.
    labels: Dict[str, str]
    ip_addresses: List[str]
    #: `tcg` is emulation: right, but ten to thirty times slower than `kvm`. Null while nothing
    #: runs.
    accelerator: Optional[Literal["kvm", "tcg"]]
    created_at: str
    started_at: Optional[str]
    updated_at: str
    operation: Optional[Operation]
    requires_restart: bool

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal[
                "id",
                "name",
                "description",
                "os",
                "image",
                "hostId",
                "ownerId",
                "network",
                "createdAt",
                "updatedAt",
            ],
        ) -> str: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> VmStatus: ...

        @overload
        def __getitem__(self, key: Literal["statusReason", "startedAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["host"]) -> UpdatedVmHost: ...

        @overload
        def __getitem__(
            self,
            key: Literal["autostart", "protected", "requiresRestart"],
        ) -> bool: ...

        @overload
        def __getitem__(self, key: Literal["labels"]) -> Dict[str, str]: ...

        @overload
        def __getitem__(self, key: Literal["ipAddresses"]) -> List[str]: ...

        @overload
        def __getitem__(self, key: Literal["accelerator"]) -> Optional[Literal["kvm", "tcg"]]: ...

        @overload
        def __getitem__(self, key: Literal["operation"]) -> Optional[Operation]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class UserQuotas(Model):
    vms: Optional[int]
    #: vCPUs.
    cpu: Optional[int]
    #: MiB.
    memory: Optional[int]
    #: GiB.
    disk: Optional[int]
    snapshots: Optional[int]

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["vms", "cpu", "memory", "disk", "snapshots"],
        ) -> Optional[int]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class User(Model):
    id: str
    username: str
    email: Optional[str]
    role: Role
    permissions: List[PermissionChange]
    plan: Plan
    quotas: UserQuotas
    status: UserStatus
    last_login_at: Optional[str]
    created_at: str
    updated_at: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "username", "createdAt", "updatedAt"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["email", "lastLoginAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["role"]) -> Role: ...

        @overload
        def __getitem__(self, key: Literal["permissions"]) -> List[PermissionChange]: ...

        @overload
        def __getitem__(self, key: Literal["plan"]) -> Plan: ...

        @overload
        def __getitem__(self, key: Literal["quotas"]) -> UserQuotas: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> UserStatus: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmHost(Model):
    id: str
    name: str
    status: HostStatus
    #: When the host was last heard of; null while it is online.
    as_of: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["id", "name"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> HostStatus: ...

        @overload
        def __getitem__(self, key: Literal["asOf"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class Vm(Model):
    id: str
    name: str
    description: str
    status: VmStatus
    #: Why the status is `error`; null otherwise.
    status_reason: Optional[str]
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int
    #: A name of the catalogue, such as `tiny` or `ubuntu24.04`.
    os: str
    #: An image's id.
    image: str
    #: A host's id. In a creation: for administrators only.
    host_id: str
    host: VmHost
    #: The user that it belongs to.
    owner_id: str
    network: str
    #: Starts with its host.
    autostart: bool
    #: Refuses to be deleted.
    protected: bool
    #: Keys and values of one's own.
    labels: Dict[str, str]
    ip_addresses: List[str]
    #: `tcg` is emulation: right, but ten to thirty times slower than `kvm`. Null while nothing
    #: runs.
    accelerator: Optional[Literal["kvm", "tcg"]]
    created_at: str
    started_at: Optional[str]
    updated_at: str
    operation: Optional[Operation]

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal[
                "id",
                "name",
                "description",
                "os",
                "image",
                "hostId",
                "ownerId",
                "network",
                "createdAt",
                "updatedAt",
            ],
        ) -> str: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> VmStatus: ...

        @overload
        def __getitem__(self, key: Literal["statusReason", "startedAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["cpu", "memory", "disk"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["host"]) -> VmHost: ...

        @overload
        def __getitem__(self, key: Literal["autostart", "protected"]) -> bool: ...

        @overload
        def __getitem__(self, key: Literal["labels"]) -> Dict[str, str]: ...

        @overload
        def __getitem__(self, key: Literal["ipAddresses"]) -> List[str]: ...

        @overload
        def __getitem__(self, key: Literal["accelerator"]) -> Optional[Literal["kvm", "tcg"]]: ...

        @overload
        def __getitem__(self, key: Literal["operation"]) -> Optional[Operation]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmOperationProgress(Model):
    #: 0 to 100.
    percent: int
    step: Optional[str]
    message: Optional[str]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["percent"]) -> int: ...

        @overload
        def __getitem__(self, key: Literal["step", "message"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmOperationResource(Model):
    type: Literal["vm"]
    id: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["type"]) -> Literal["vm"]: ...

        @overload
        def __getitem__(self, key: Literal["id"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmOperationError(Model):
    #: Never changes its meaning: branch on it.
    code: str
    message: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["code", "message"]) -> str: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmOperation(Model):
    id: str
    kind: OperationKind
    status: OperationStatus
    waiting_for: Optional[WaitingFor]
    progress: VmOperationProgress
    resource: VmOperationResource
    #: A host's id. In a creation: for administrators only.
    host_id: str
    user_id: str
    #: The `X-Request-Id` of the request that asked for it.
    request_id: str
    result: Optional[Dict[str, Any]]
    error: Optional[VmOperationError]
    created_at: str
    started_at: Optional[str]
    finished_at: Optional[str]
    vm: Optional[Vm]

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["id", "hostId", "userId", "requestId", "createdAt"],
        ) -> str: ...

        @overload
        def __getitem__(self, key: Literal["kind"]) -> OperationKind: ...

        @overload
        def __getitem__(self, key: Literal["status"]) -> OperationStatus: ...

        @overload
        def __getitem__(self, key: Literal["waitingFor"]) -> Optional[WaitingFor]: ...

        @overload
        def __getitem__(self, key: Literal["progress"]) -> VmOperationProgress: ...

        @overload
        def __getitem__(self, key: Literal["resource"]) -> VmOperationResource: ...

        @overload
        def __getitem__(self, key: Literal["result"]) -> Optional[Dict[str, Any]]: ...

        @overload
        def __getitem__(self, key: Literal["error"]) -> Optional[VmOperationError]: ...

        @overload
        def __getitem__(self, key: Literal["startedAt", "finishedAt"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: Literal["vm"]) -> Optional[Vm]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmSampleCpu(Model):
    usage: float
    cores: int

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["usage"]) -> float: ...

        @overload
        def __getitem__(self, key: Literal["cores"]) -> int: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmSampleMemory(Model):
    #: How many entries there are.
    total: float
    used: float
    usage: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["total", "used", "usage"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmSampleDisk(Model):
    read: float
    write: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["read", "write"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmSampleNetwork(Model):
    rx: float
    tx: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["rx", "tx"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmSample(Model):
    vm_id: str
    at: str
    #: vCPUs.
    cpu: VmSampleCpu
    #: MiB.
    memory: VmSampleMemory
    #: GiB.
    disk: VmSampleDisk
    network: Optional[VmSampleNetwork]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["vmId", "at"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["cpu"]) -> VmSampleCpu: ...

        @overload
        def __getitem__(self, key: Literal["memory"]) -> VmSampleMemory: ...

        @overload
        def __getitem__(self, key: Literal["disk"]) -> VmSampleDisk: ...

        @overload
        def __getitem__(self, key: Literal["network"]) -> Optional[VmSampleNetwork]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmStatusMessageNetwork(Model):
    rx: float
    tx: float

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["rx", "tx"]) -> float: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class VmStatusMessage(Model):
    vm_id: str
    name: str
    status: Literal[
        "creating",
        "stopped",
        "starting",
        "running",
        "paused",
        "stopping",
        "suspended",
        "deleting",
        "error",
        "deleted",
    ]
    #: vCPUs.
    cpu: Optional[float]
    #: MiB.
    memory: Optional[float]
    network: Optional[VmStatusMessageNetwork]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: Literal["vmId", "name"]) -> str: ...

        @overload
        def __getitem__(
            self,
            key: Literal["status"],
        ) -> Literal[
            "creating",
            "stopped",
            "starting",
            "running",
            "paused",
            "stopping",
            "suspended",
            "deleting",
            "error",
            "deleted",
        ]: ...

        @overload
        def __getitem__(self, key: Literal["cpu", "memory"]) -> Optional[float]: ...

        @overload
        def __getitem__(self, key: Literal["network"]) -> Optional[VmStatusMessageNetwork]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...


class WaitingFor(Model):
    reason: Literal["HOST_PENDING", "HOST_OFFLINE", "HOST_QUARANTINED", "QUEUED_BEHIND", "DELIVERY"]
    message: str
    #: A host's id. In a creation: for administrators only.
    host_id: str
    operation_id: Optional[str]
    #: When it stops being good.
    expires_at: str

    if TYPE_CHECKING:

        @overload
        def __getitem__(
            self,
            key: Literal["reason"],
        ) -> Literal[
            "HOST_PENDING",
            "HOST_OFFLINE",
            "HOST_QUARANTINED",
            "QUEUED_BEHIND",
            "DELIVERY",
        ]: ...

        @overload
        def __getitem__(self, key: Literal["message", "hostId", "expiresAt"]) -> str: ...

        @overload
        def __getitem__(self, key: Literal["operationId"]) -> Optional[str]: ...

        @overload
        def __getitem__(self, key: str) -> Any: ...

        def __getitem__(self, key: str) -> Any: ...
