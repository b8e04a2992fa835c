"""What the API takes, spelt as it spells it.

Made from the API's own schemas by `node scripts/write-python-sdk.ts`; a test keeps it so.
"""

from __future__ import annotations

from typing import Dict, List, Literal, Optional, TypedDict

from .models import Grant, PermissionChange, PlacementStrategy, Plan, Role, UserStatus


class ConfigUpdateLimits(TypedDict, total=False):
    requestsPerMinute: int
    loginsPerMinute: int
    webSocketsPerUser: int
    vmsPerFreeUser: int


class ConfigUpdateDefaults(TypedDict, total=False):
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int
    #: A name of the catalogue, such as `tiny` or `ubuntu24.04`.
    os: str


class ConfigUpdateStorage(TypedDict, total=False):
    maxDisk: int


class ConfigUpdateNetwork(TypedDict, total=False):
    defaultMode: Literal["user"]


class ConfigUpdateAgents(TypedDict, total=False):
    autoUpdate: bool
    updatesAtOnce: int


class ConfigUpdatePlacementOvercommit(TypedDict, total=False):
    #: vCPUs.
    cpu: float
    #: MiB.
    memory: float
    #: GiB.
    disk: float


class ConfigUpdatePlacement(TypedDict, total=False):
    #: `spread`: the emptiest host first. `pack`: the fullest that has room.
    strategy: PlacementStrategy
    overcommit: ConfigUpdatePlacementOvercommit


class ConfigUpdate(TypedDict, total=False):
    limits: ConfigUpdateLimits
    defaults: ConfigUpdateDefaults
    storage: ConfigUpdateStorage
    network: ConfigUpdateNetwork
    agents: ConfigUpdateAgents
    placement: ConfigUpdatePlacement


class _HostCreateNeeded(TypedDict):
    name: str


class HostCreate(_HostCreateNeeded, total=False):
    #: Keys and values of one's own.
    labels: Dict[str, str]


class HostDrain(TypedDict, total=False):
    shutdown: bool
    #: Seconds that the guest has to power off before the power is cut; 30 where it is left out.
    timeout: int


class HostUpdateOvercommit(TypedDict, total=False):
    #: vCPUs.
    cpu: Optional[float]
    #: MiB.
    memory: Optional[float]
    #: GiB.
    disk: Optional[float]


class HostUpdate(TypedDict, total=False):
    name: str
    #: Keys and values of one's own.
    labels: Dict[str, str]
    schedulable: bool
    maintenance: bool
    overcommit: HostUpdateOvercommit


class _ImageCreateNeeded(TypedDict):
    name: str
    url: str
    sha256: str
    format: Literal["qcow2", "raw"]
    #: A name of the catalogue, such as `tiny` or `ubuntu24.04`.
    os: str


class ImageCreate(_ImageCreateNeeded, total=False):
    #: GiB.
    minDisk: int
    defaultUser: str


class LoginRequest(TypedDict):
    username: str
    password: str


class PasswordChange(TypedDict):
    currentPassword: str
    newPassword: str


class RefreshRequest(TypedDict):
    refreshToken: str


class _TokenCreateNeeded(TypedDict):
    name: str
    scopes: List[Grant]


class TokenCreate(_TokenCreateNeeded, total=False):
    #: When it stops being good.
    expiresAt: str


class UserCreateQuotas(TypedDict, total=False):
    vms: Optional[int]
    #: vCPUs.
    cpu: Optional[int]
    #: MiB.
    memory: Optional[int]
    #: GiB.
    disk: Optional[int]
    snapshots: Optional[int]


class _UserCreateNeeded(TypedDict):
    username: str
    password: str


class UserCreate(_UserCreateNeeded, total=False):
    email: Optional[str]
    role: Role
    permissions: List[PermissionChange]
    plan: Plan
    quotas: UserCreateQuotas


class UserPatchQuotas(TypedDict, total=False):
    vms: Optional[int]
    #: vCPUs.
    cpu: Optional[int]
    #: MiB.
    memory: Optional[int]
    #: GiB.
    disk: Optional[int]
    snapshots: Optional[int]


class UserPatch(TypedDict, total=False):
    username: str
    email: Optional[str]
    password: str
    role: Role
    permissions: List[PermissionChange]
    plan: Plan
    quotas: UserPatchQuotas
    status: UserStatus


class UserPutQuotas(TypedDict, total=False):
    vms: Optional[int]
    #: vCPUs.
    cpu: Optional[int]
    #: MiB.
    memory: Optional[int]
    #: GiB.
    disk: Optional[int]
    snapshots: Optional[int]


class _UserPutNeeded(TypedDict):
    username: str


class UserPut(_UserPutNeeded, total=False):
    email: Optional[str]
    password: str
    role: Role
    permissions: List[PermissionChange]
    plan: Plan
    quotas: UserPutQuotas
    status: UserStatus


class VmCreatePlacement(TypedDict, total=False):
    #: Keys and values of one's own.
    labels: Dict[str, str]
    #: Only where machines run with KVM, and not by emulation.
    kvm: bool
    #: `spread`: the emptiest host first. `pack`: the fullest that has room.
    strategy: PlacementStrategy


class VmCreateCloudInit(TypedDict, total=False):
    hostname: str
    user: str
    password: str
    #: OpenSSH public keys.
    sshKeys: List[str]
    #: A whole `#cloud-config` document or script, in place of the one made from the other fields.
    userData: str


class _VmCreateNeeded(TypedDict):
    name: str
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int


class VmCreate(_VmCreateNeeded, total=False):
    #: A name of the catalogue, such as `tiny` or `ubuntu24.04`.
    os: str
    #: An image's id.
    image: str
    #: A host's id. In a creation: for administrators only.
    hostId: str
    placement: VmCreatePlacement
    description: str
    #: Keys and values of one's own.
    labels: Dict[str, str]
    #: Starts with its host.
    autostart: bool
    #: Refuses to be deleted.
    protected: bool
    network: Literal["user"]
    cloudInit: VmCreateCloudInit
    start: bool


class VmRestart(TypedDict, total=False):
    mode: Literal["graceful", "force"]
    #: Seconds that the guest has to power off before the power is cut; 30 where it is left out.
    timeout: int


class VmStop(TypedDict, total=False):
    #: Without asking the guest.
    force: bool
    #: Seconds that the guest has to power off before the power is cut; 30 where it is left out.
    timeout: int


class VmUpdate(TypedDict, total=False):
    name: str
    description: str
    #: Keys and values of one's own.
    labels: Dict[str, str]
    #: Starts with its host.
    autostart: bool
    #: Refuses to be deleted.
    protected: bool
    #: vCPUs.
    cpu: int
    #: MiB.
    memory: int
    #: GiB.
    disk: int
