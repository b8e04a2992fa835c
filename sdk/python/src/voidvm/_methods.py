"""The API's methods, blocking.

Made from the API's own schemas by `node scripts/write-python-sdk.ts`; a test keeps it so.
"""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, Union, overload

from ._page import Page, Pages
from ._resource import Resource, fields, json_object, nothing, segment
from ._run import Drained, run
from ._waiting import OnProgress, act, change, until_end
from .inputs import (
    ConfigUpdate,
    ConfigUpdateAgents,
    ConfigUpdateDefaults,
    ConfigUpdateLimits,
    ConfigUpdateNetwork,
    ConfigUpdatePlacement,
    ConfigUpdateStorage,
    HostCreate,
    HostDrain,
    HostUpdate,
    HostUpdateOvercommit,
    ImageCreate,
    LoginRequest,
    PasswordChange,
    RefreshRequest,
    TokenCreate,
    UserCreate,
    UserCreateQuotas,
    UserPatch,
    UserPatchQuotas,
    UserPut,
    UserPutQuotas,
    VmCreate,
    VmCreateCloudInit,
    VmCreatePlacement,
    VmRestart,
    VmStop,
    VmUpdate,
)
from .models import (
    AuditEntry,
    AuditResult,
    Config,
    CreatedHost,
    DrainedHost,
    EventList,
    Grant,
    Health,
    Host,
    HostStatus,
    Image,
    LogEntry,
    LogLevel,
    LogSource,
    Login,
    Me,
    Operation,
    OperationKind,
    OperationStatus,
    PermissionChange,
    PermissionList,
    Plan,
    RenewedHostToken,
    Role,
    RoleList,
    StatsPeriod,
    SystemInfo,
    SystemStats,
    Token,
    TokenCreated,
    UpdatedVm,
    User,
    UserStatus,
    Vm,
    VmOperation,
    VmStatus,
)


class AuthResource(Resource):
    @overload
    def login(self, body: LoginRequest) -> Login: ...

    @overload
    def login(self, *, username: str, password: str) -> Login: ...

    def login(self, body: Optional[LoginRequest] = None, **given: Any) -> Login:
        """Log in.

        A wrong password, an unknown and a disabled user get the same answer in the same time.
        """
        return run(self._http.log_in("/auth/login", fields(LoginRequest, body, given)))

    @overload
    def refresh(self, body: RefreshRequest) -> Login: ...

    @overload
    def refresh(self, *, refresh_token: str) -> Login: ...

    def refresh(self, body: Optional[RefreshRequest] = None, **given: Any) -> Login:
        """Exchange a refresh token for new tokens.

        A refresh token is good once. One that comes a second time ends its session, for whoever
        holds it.
        """
        return run(self._http.log_in("/auth/refresh", fields(RefreshRequest, body, given)))

    def logout(self) -> None:
        """End one's session.

        Its tokens are refused from the next request on. Needs the permission `account:update`.
        """
        run(self._http.log_out())

    def me(self) -> Me:
        """Read one's own account.

        Needs the permission `account:read`.
        """
        return run(self._http.call("GET", "/auth/me", Me))

    @overload
    def change_password(self, body: PasswordChange) -> None: ...

    @overload
    def change_password(self, *, current_password: str, new_password: str) -> None: ...

    def change_password(self, body: Optional[PasswordChange] = None, **given: Any) -> None:
        """Change one's own password.

        Ends every other session of one's own. Needs the permission `account:update`.
        """
        run(self._http.call(
            "PUT",
            "/auth/password",
            nothing,
            body=fields(PasswordChange, body, given),
        ))


class TokensResource(Resource):
    def list(self, *, page: Optional[int] = None, limit: Optional[int] = None) -> Page[Token]:
        """List one's personal access tokens.

        Needs the permission `token:read`.
        """
        return run(self._http.page("/auth/tokens", "tokens", Token, {"page": page, "limit": limit}))

    @overload
    def create(
        self,
        body: TokenCreate,
        *,
        idempotency_key: Optional[str] = None,
    ) -> TokenCreated: ...

    @overload
    def create(
        self,
        *,
        name: str,
        scopes: List[Grant],
        expires_at: str = ...,
        idempotency_key: Optional[str] = None,
    ) -> TokenCreated: ...

    def create(
        self,
        body: Optional[TokenCreate] = None,
        *,
        idempotency_key: Optional[str] = None,
        **given: Any,
    ) -> TokenCreated:
        """Make a personal access token.

        For a program. It reaches no further than its scopes, and never further than its user. Needs
        the permission `token:create`.
        """
        return run(self._http.call(
            "POST",
            "/auth/tokens",
            TokenCreated,
            body=fields(TokenCreate, body, given),
            idempotency_key=idempotency_key,
        ))

    def delete(self, id: str) -> None:
        """Revoke a personal access token.

        Needs the permission `token:delete`.
        """
        run(self._http.call("DELETE", f"/auth/tokens/{segment(id)}", nothing))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
    ) -> Drained[Token]:
        """List one's personal access tokens: all of them, page by page, however many there are."""
        return Drained(Pages(self._http, "/auth/tokens", "tokens", Token, {"limit": limit}))


class PermissionsResource(Resource):
    def list(self) -> PermissionList:
        """List what there is to be allowed.

        Needs the permission `role:read`.
        """
        return run(self._http.call("GET", "/permissions", PermissionList))


class RolesResource(Resource):
    def list(self) -> RoleList:
        """List roles and what they allow.

        Needs the permission `role:read`.
        """
        return run(self._http.call("GET", "/roles", RoleList))


class UsersResource(Resource):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        role: Optional[Role] = None,
        status: Optional[UserStatus] = None,
    ) -> Page[User]:
        """List users.

        Needs the permission `user:read`.
        """
        return run(self._http.page(
            "/users",
            "users",
            User,
            {"page": page, "limit": limit, "role": role, "status": status},
        ))

    @overload
    def create(self, body: UserCreate, *, idempotency_key: Optional[str] = None) -> User: ...

    @overload
    def create(
        self,
        *,
        username: str,
        email: Optional[str] = ...,
        password: str,
        role: Role = ...,
        permissions: List[PermissionChange] = ...,
        plan: Plan = ...,
        quotas: UserCreateQuotas = ...,
        idempotency_key: Optional[str] = None,
    ) -> User: ...

    def create(
        self,
        body: Optional[UserCreate] = None,
        *,
        idempotency_key: Optional[str] = None,
        **given: Any,
    ) -> User:
        """Create a user.

        Nobody gives rights that they don't have themselves. Needs the permission `user:create`.
        """
        return run(self._http.call(
            "POST",
            "/users",
            User,
            body=fields(UserCreate, body, given),
            idempotency_key=idempotency_key,
        ))

    def get(self, id: str) -> User:
        """Read a user.

        Needs the permission `user:read`.
        """
        return run(self._http.call("GET", f"/users/{segment(id)}", User))

    @overload
    def replace(self, id: str, body: UserPut, *, if_match: Optional[str] = None) -> User: ...

    @overload
    def replace(
        self,
        id: str,
        *,
        username: str,
        email: Optional[str] = ...,
        password: str = ...,
        role: Role = ...,
        permissions: List[PermissionChange] = ...,
        plan: Plan = ...,
        quotas: UserPutQuotas = ...,
        status: UserStatus = ...,
        if_match: Optional[str] = None,
    ) -> User: ...

    def replace(
        self,
        id: str,
        body: Optional[UserPut] = None,
        *,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> User:
        """Replace a user.

        What is left out goes back to its default; the password alone stays. Needs the permission
        `user:update`.
        """
        return run(self._http.call(
            "PUT",
            f"/users/{segment(id)}",
            User,
            body=fields(UserPut, body, given),
            if_match=if_match,
        ))

    @overload
    def update(self, id: str, body: UserPatch, *, if_match: Optional[str] = None) -> User: ...

    @overload
    def update(
        self,
        id: str,
        *,
        username: str = ...,
        email: Optional[str] = ...,
        password: str = ...,
        role: Role = ...,
        permissions: List[PermissionChange] = ...,
        plan: Plan = ...,
        quotas: UserPatchQuotas = ...,
        status: UserStatus = ...,
        if_match: Optional[str] = None,
    ) -> User: ...

    def update(
        self,
        id: str,
        body: Optional[UserPatch] = None,
        *,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> User:
        """Change a user.

        What is left out stays. A new password, and `status: disabled`, end every session of the
        user. Needs the permission `user:update`.
        """
        return run(self._http.call(
            "PATCH",
            f"/users/{segment(id)}",
            User,
            body=fields(UserPatch, body, given),
            if_match=if_match,
        ))

    def delete(self, id: str, *, if_match: Optional[str] = None) -> None:
        """Delete a user.

        Its machines have to be deleted first. Needs the permission `user:delete`.
        """
        run(self._http.call("DELETE", f"/users/{segment(id)}", nothing, if_match=if_match))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
        role: Optional[Role] = None,
        status: Optional[UserStatus] = None,
    ) -> Drained[User]:
        """List users: all of them, page by page, however many there are."""
        return Drained(Pages(
            self._http,
            "/users",
            "users",
            User,
            {"limit": limit, "role": role, "status": status},
        ))


class VmsResource(Resource):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        status: Optional[VmStatus] = None,
        host: Optional[str] = None,
        label: Optional[str] = None,
        search: Optional[str] = None,
        sort: Optional[
            Literal[
                "createdAt",
                "name",
                "status",
                "cpu",
                "memory",
                "disk",
                "-createdAt",
                "-name",
                "-status",
                "-cpu",
                "-memory",
                "-disk",
            ],
        ] = None,
    ) -> Page[Vm]:
        """List machines.

        One's own; all of them for an administrator. Needs the permission `vm:read`.
        """
        return run(self._http.page(
            "/vms",
            "vms",
            Vm,
            {
                "page": page,
                "limit": limit,
                "status": status,
                "host": host,
                "label": label,
                "search": search,
                "sort": sort,
            },
        ))

    @overload
    def create(
        self,
        body: VmCreate,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
    ) -> Vm: ...

    @overload
    def create(
        self,
        *,
        name: str,
        cpu: int,
        memory: int,
        disk: int,
        os: str = ...,
        image: str = ...,
        host_id: str = ...,
        placement: VmCreatePlacement = ...,
        description: str = ...,
        labels: Dict[str, str] = ...,
        autostart: bool = ...,
        protected: bool = ...,
        network: Literal["user"] = ...,
        cloud_init: VmCreateCloudInit = ...,
        start: bool = ...,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
    ) -> Vm: ...

    def create(
        self,
        body: Optional[VmCreate] = None,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        **given: Any,
    ) -> Vm:
        """Create a machine.

        Name, cpu, memory and disk are enough. `start` lets it run as soon as it is there.
        `placement` says which hosts will do. Needs the permission `vm:create`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(change(
            self._http,
            "POST",
            "/vms",
            Vm,
            wait,
            on_progress,
            body=fields(VmCreate, body, given),
            idempotency_key=idempotency_key,
        ))

    def get(self, id: str) -> Vm:
        """Read a machine.

        Needs the permission `vm:read`.
        """
        return run(self._http.call("GET", f"/vms/{segment(id)}", Vm))

    @overload
    def update(
        self,
        id: str,
        body: VmUpdate,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        if_match: Optional[str] = None,
    ) -> UpdatedVm: ...

    @overload
    def update(
        self,
        id: str,
        *,
        name: str = ...,
        description: str = ...,
        labels: Dict[str, str] = ...,
        autostart: bool = ...,
        protected: bool = ...,
        cpu: int = ...,
        memory: int = ...,
        disk: int = ...,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        if_match: Optional[str] = None,
    ) -> UpdatedVm: ...

    def update(
        self,
        id: str,
        body: Optional[VmUpdate] = None,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> UpdatedVm:
        """Change a machine.

        A disk only grows. `requiresRestart` tells whether a running machine takes the change with
        its next start. Needs the permission `vm:update`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(change(
            self._http,
            "PATCH",
            f"/vms/{segment(id)}",
            UpdatedVm,
            wait,
            on_progress,
            body=fields(VmUpdate, body, given),
            if_match=if_match,
        ))

    def delete(
        self,
        id: str,
        *,
        force: Optional[bool] = None,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation:
        """Delete a machine.

        With its disk. `force=true` deletes one that runs. Needs the permission `vm:delete`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(act(
            self._http,
            "DELETE",
            f"/vms/{segment(id)}",
            VmOperation,
            wait,
            on_progress,
            query={"force": force},
            if_match=if_match,
        ))

    def start(
        self,
        id: str,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation:
        """Start a machine.

        Needs the permission `vm:start`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(act(
            self._http,
            "POST",
            f"/vms/{segment(id)}/start",
            VmOperation,
            wait,
            on_progress,
            idempotency_key=idempotency_key,
            if_match=if_match,
        ))

    @overload
    def stop(
        self,
        id: str,
        body: VmStop,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation: ...

    @overload
    def stop(
        self,
        id: str,
        *,
        force: bool = ...,
        timeout: int = ...,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation: ...

    def stop(
        self,
        id: str,
        body: Optional[VmStop] = None,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> VmOperation:
        """Stop a machine.

        Presses the power button, and cuts the power where the guest does not obey in time. Needs
        the permission `vm:stop`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(act(
            self._http,
            "POST",
            f"/vms/{segment(id)}/stop",
            VmOperation,
            wait,
            on_progress,
            body=fields(VmStop, body, given),
            idempotency_key=idempotency_key,
            if_match=if_match,
        ))

    @overload
    def restart(
        self,
        id: str,
        body: VmRestart,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation: ...

    @overload
    def restart(
        self,
        id: str,
        *,
        mode: Literal["graceful", "force"] = ...,
        timeout: int = ...,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation: ...

    def restart(
        self,
        id: str,
        body: Optional[VmRestart] = None,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> VmOperation:
        """Restart a machine.

        In a new process: what needs a restart has taken effect afterwards. Needs the permission
        `vm:restart`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(act(
            self._http,
            "POST",
            f"/vms/{segment(id)}/restart",
            VmOperation,
            wait,
            on_progress,
            body=fields(VmRestart, body, given),
            idempotency_key=idempotency_key,
            if_match=if_match,
        ))

    def pause(
        self,
        id: str,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation:
        """Pause a machine.

        Halts its vCPUs. It keeps its memory. Needs the permission `vm:pause`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(act(
            self._http,
            "POST",
            f"/vms/{segment(id)}/pause",
            VmOperation,
            wait,
            on_progress,
            idempotency_key=idempotency_key,
            if_match=if_match,
        ))

    def resume(
        self,
        id: str,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation:
        """Resume a paused machine.

        Needs the permission `vm:resume`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(act(
            self._http,
            "POST",
            f"/vms/{segment(id)}/resume",
            VmOperation,
            wait,
            on_progress,
            idempotency_key=idempotency_key,
            if_match=if_match,
        ))

    def reset(
        self,
        id: str,
        *,
        wait: Union[bool, float] = False,
        on_progress: Optional[OnProgress] = None,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> VmOperation:
        """Reset a machine.

        As its reset button would: in the same process, without asking the guest. Needs the
        permission `vm:reset`.

        With `wait=True` it returns once the operation has succeeded, and raises what it failed
        with; a number says for how many seconds at most. `on_progress` is called with the operation
        whenever it gets further.
        """
        return run(act(
            self._http,
            "POST",
            f"/vms/{segment(id)}/reset",
            VmOperation,
            wait,
            on_progress,
            idempotency_key=idempotency_key,
            if_match=if_match,
        ))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
        status: Optional[VmStatus] = None,
        host: Optional[str] = None,
        label: Optional[str] = None,
        search: Optional[str] = None,
        sort: Optional[
            Literal[
                "createdAt",
                "name",
                "status",
                "cpu",
                "memory",
                "disk",
                "-createdAt",
                "-name",
                "-status",
                "-cpu",
                "-memory",
                "-disk",
            ],
        ] = None,
    ) -> Drained[Vm]:
        """List machines: all of them, page by page, however many there are."""
        return Drained(Pages(
            self._http,
            "/vms",
            "vms",
            Vm,
            {
                "limit": limit,
                "status": status,
                "host": host,
                "label": label,
                "search": search,
                "sort": sort,
            },
        ))

    def list_events(
        self,
        id: str,
        *,
        after: Optional[float] = None,
        limit: Optional[int] = None,
    ) -> EventList:
        """Read what happened to a machine, in order.

        Oldest first: what follows `after`, or the oldest that are kept. Ask again with the `after`
        of the answer. Events are kept for seven days. Needs the permission `event:read`.
        """
        return run(self._http.call(
            "GET",
            f"/vms/{segment(id)}/events",
            EventList,
            query={"after": after, "limit": limit},
        ))


class OperationsResource(Resource):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        id: Optional[Union[str, List[str]]] = None,
        vm_id: Optional[str] = None,
        status: Optional[OperationStatus] = None,
        kind: Optional[OperationKind] = None,
        after: Optional[str] = None,
        sort: Optional[Literal["createdAt", "-createdAt"]] = None,
    ) -> Page[Operation]:
        """List operations, or read many by id.

        Needs the permission `operation:read`.
        """
        return run(self._http.page(
            "/operations",
            "operations",
            Operation,
            {
                "page": page,
                "limit": limit,
                "id": id,
                "vmId": vm_id,
                "status": status,
                "kind": kind,
                "after": after,
                "sort": sort,
            },
        ))

    def get(self, id: str, *, wait: Optional[int] = None) -> Operation:
        """Read an operation, or wait for its end.

        Needs the permission `operation:read`.
        """
        return run(self._http.call(
            "GET",
            f"/operations/{segment(id)}",
            Operation,
            query={"wait": wait},
        ))

    def wait(
        self,
        id: str,
        *,
        timeout: Optional[float] = None,
        on_progress: Optional[OnProgress] = None,
    ) -> Operation:
        """Wait until an operation has succeeded.

        Raises what it failed with where it has not, and TIMEOUT after `timeout` seconds; it goes on
        behind that.
        """
        return run(until_end(self._http, id, timeout, on_progress))

    def cancel(self, id: str, *, idempotency_key: Optional[str] = None) -> Operation:
        """Cancel an operation that has not begun.

        Needs the permission `operation:cancel`.
        """
        return run(self._http.call(
            "POST",
            f"/operations/{segment(id)}/cancel",
            Operation,
            idempotency_key=idempotency_key,
        ))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
        id: Optional[Union[str, List[str]]] = None,
        vm_id: Optional[str] = None,
        status: Optional[OperationStatus] = None,
        kind: Optional[OperationKind] = None,
        after: Optional[str] = None,
        sort: Optional[Literal["createdAt", "-createdAt"]] = None,
    ) -> Drained[Operation]:
        """List operations, or read many by id: all of them, page by page, however many there are.
        """
        return Drained(Pages(
            self._http,
            "/operations",
            "operations",
            Operation,
            {
                "limit": limit,
                "id": id,
                "vmId": vm_id,
                "status": status,
                "kind": kind,
                "after": after,
                "sort": sort,
            },
        ))


class ImagesResource(Resource):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        os: Optional[str] = None,
        source: Optional[Literal["catalogue", "custom"]] = None,
        search: Optional[str] = None,
    ) -> Page[Image]:
        """List images.

        Needs the permission `image:read`.
        """
        return run(self._http.page(
            "/images",
            "images",
            Image,
            {"page": page, "limit": limit, "os": os, "source": source, "search": search},
        ))

    @overload
    def create(self, body: ImageCreate, *, idempotency_key: Optional[str] = None) -> Image: ...

    @overload
    def create(
        self,
        *,
        name: str,
        url: str,
        sha256: str,
        format: Literal["qcow2", "raw"],
        os: str,
        min_disk: int = ...,
        default_user: str = ...,
        idempotency_key: Optional[str] = None,
    ) -> Image: ...

    def create(
        self,
        body: Optional[ImageCreate] = None,
        *,
        idempotency_key: Optional[str] = None,
        **given: Any,
    ) -> Image:
        """Add an image.

        A host fetches it once, and verifies it before any machine may use it. Needs the permission
        `image:create`.
        """
        return run(self._http.call(
            "POST",
            "/images",
            Image,
            body=fields(ImageCreate, body, given),
            idempotency_key=idempotency_key,
        ))

    def get(self, id: str) -> Image:
        """Read an image.

        Needs the permission `image:read`.
        """
        return run(self._http.call("GET", f"/images/{segment(id)}", Image))

    def delete(self, id: str, *, if_match: Optional[str] = None) -> None:
        """Delete an image of one's own.

        Needs the permission `image:delete`.
        """
        run(self._http.call("DELETE", f"/images/{segment(id)}", nothing, if_match=if_match))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
        os: Optional[str] = None,
        source: Optional[Literal["catalogue", "custom"]] = None,
        search: Optional[str] = None,
    ) -> Drained[Image]:
        """List images: all of them, page by page, however many there are."""
        return Drained(Pages(
            self._http,
            "/images",
            "images",
            Image,
            {"limit": limit, "os": os, "source": source, "search": search},
        ))


class HostsResource(Resource):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        status: Optional[HostStatus] = None,
        search: Optional[str] = None,
        schedulable: Optional[bool] = None,
    ) -> Page[Host]:
        """List hosts.

        Needs the permission `host:read`.
        """
        return run(self._http.page(
            "/hosts",
            "hosts",
            Host,
            {
                "page": page,
                "limit": limit,
                "status": status,
                "search": search,
                "schedulable": schedulable,
            },
        ))

    @overload
    def create(self, body: HostCreate, *, idempotency_key: Optional[str] = None) -> CreatedHost: ...

    @overload
    def create(
        self,
        *,
        name: str,
        labels: Dict[str, str] = ...,
        idempotency_key: Optional[str] = None,
    ) -> CreatedHost: ...

    def create(
        self,
        body: Optional[HostCreate] = None,
        *,
        idempotency_key: Optional[str] = None,
        **given: Any,
    ) -> CreatedHost:
        """Add a host.

        Answers a token, good once and for 15 minutes, and the one command to run on the host. Needs
        the permission `host:create`.
        """
        return run(self._http.call(
            "POST",
            "/hosts",
            CreatedHost,
            body=fields(HostCreate, body, given),
            idempotency_key=idempotency_key,
        ))

    def get(self, id: str) -> Host:
        """Read a host.

        Needs the permission `host:read`.
        """
        return run(self._http.call("GET", f"/hosts/{segment(id)}", Host))

    @overload
    def update(self, id: str, body: HostUpdate, *, if_match: Optional[str] = None) -> Host: ...

    @overload
    def update(
        self,
        id: str,
        *,
        name: str = ...,
        labels: Dict[str, str] = ...,
        schedulable: bool = ...,
        maintenance: bool = ...,
        overcommit: HostUpdateOvercommit = ...,
        if_match: Optional[str] = None,
    ) -> Host: ...

    def update(
        self,
        id: str,
        body: Optional[HostUpdate] = None,
        *,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> Host:
        """Change a host.

        `schedulable: true` undoes a drain. In `maintenance` no machine comes, and those that are
        there are only stopped and deleted. Needs the permission `host:update`.
        """
        return run(self._http.call(
            "PATCH",
            f"/hosts/{segment(id)}",
            Host,
            body=fields(HostUpdate, body, given),
            if_match=if_match,
        ))

    def delete(
        self,
        id: str,
        *,
        force: Optional[bool] = None,
        if_match: Optional[str] = None,
    ) -> None:
        """Remove a host.

        Its key is refused from then on. `force=true` forgets the machines that it still has. Needs
        the permission `host:delete`.
        """
        run(self._http.call(
            "DELETE",
            f"/hosts/{segment(id)}",
            nothing,
            query={"force": force},
            if_match=if_match,
        ))

    @overload
    def drain(
        self,
        id: str,
        body: HostDrain,
        *,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> DrainedHost: ...

    @overload
    def drain(
        self,
        id: str,
        *,
        shutdown: bool = ...,
        timeout: int = ...,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
    ) -> DrainedHost: ...

    def drain(
        self,
        id: str,
        body: Optional[HostDrain] = None,
        *,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> DrainedHost:
        """Give a host no new machines.

        With `shutdown` its machines are stopped too, as many at once as its queue has room for:
        asked again, it goes on. Answers what is still there. Needs the permission `host:update`.
        """
        return run(self._http.call(
            "POST",
            f"/hosts/{segment(id)}/drain",
            DrainedHost,
            body=fields(HostDrain, body, given),
            idempotency_key=idempotency_key,
            if_match=if_match,
        ))

    def release(self, id: str, *, idempotency_key: Optional[str] = None) -> Host:
        """End a host's quarantine.

        Two agents connected with its key, so nothing is sent to it. Make sure that one alone is
        left, then release the host; or make a new token, with which one of them enrols again and
        shuts the other out. Needs the permission `host:update`.
        """
        return run(self._http.call(
            "POST",
            f"/hosts/{segment(id)}/release",
            Host,
            idempotency_key=idempotency_key,
        ))

    def upgrade(self, id: str, *, idempotency_key: Optional[str] = None) -> Host:
        """Upgrade a host's agent.

        The agent becomes the version that the edge has, once no operation is under way; machines
        don't notice. `agentUpdate` of the host is null when it has, and has an `error` where it has
        refused the version or taken it back. Needs the permission `host:update`.
        """
        return run(self._http.call(
            "POST",
            f"/hosts/{segment(id)}/upgrade",
            Host,
            idempotency_key=idempotency_key,
        ))

    def create_token(self, id: str, *, idempotency_key: Optional[str] = None) -> RenewedHostToken:
        """Make a new enrolment token.

        The one before is worthless from then on. The host's key stays good until the token is
        spent; then whatever is connected with it is closed, and a quarantine ends. Needs the
        permission `host:update`.
        """
        return run(self._http.call(
            "POST",
            f"/hosts/{segment(id)}/token",
            RenewedHostToken,
            idempotency_key=idempotency_key,
        ))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
        status: Optional[HostStatus] = None,
        search: Optional[str] = None,
        schedulable: Optional[bool] = None,
    ) -> Drained[Host]:
        """List hosts: all of them, page by page, however many there are."""
        return Drained(Pages(
            self._http,
            "/hosts",
            "hosts",
            Host,
            {"limit": limit, "status": status, "search": search, "schedulable": schedulable},
        ))


class SystemResource(Resource):
    def info(self) -> SystemInfo:
        """Version, hosts and their resources.

        Sums are over the hosts that are online, with their overcommit. Needs the permission
        `system:read`.
        """
        return run(self._http.call("GET", "/system/info", SystemInfo))

    def stats(self, *, period: Optional[StatsPeriod] = None) -> SystemStats:
        """Counts and series.

        Needs the permission `system:read`.
        """
        return run(self._http.call("GET", "/system/stats", SystemStats, query={"period": period}))

    def health(self) -> Health:
        """Whether the edge and its database answer."""
        return run(self._http.call("GET", "/health", Health, open=True))

    def metrics(self) -> str:
        """Figures for Prometheus.

        Needs the permission `metrics:read`.
        """
        return run(self._http.call("GET", "/metrics", str, bare=True))

    def openapi(self) -> Dict[str, Any]:
        """This document."""
        return run(self._http.call("GET", "/openapi.json", json_object, bare=True, open=True))


class ConfigResource(Resource):
    def get(self) -> Config:
        """Read the configuration.

        Needs the permission `config:read`.
        """
        return run(self._http.call("GET", "/config", Config))

    @overload
    def update(self, body: ConfigUpdate, *, if_match: Optional[str] = None) -> Config: ...

    @overload
    def update(
        self,
        *,
        limits: ConfigUpdateLimits = ...,
        defaults: ConfigUpdateDefaults = ...,
        storage: ConfigUpdateStorage = ...,
        network: ConfigUpdateNetwork = ...,
        agents: ConfigUpdateAgents = ...,
        placement: ConfigUpdatePlacement = ...,
        if_match: Optional[str] = None,
    ) -> Config: ...

    def update(
        self,
        body: Optional[ConfigUpdate] = None,
        *,
        if_match: Optional[str] = None,
        **given: Any,
    ) -> Config:
        """Change the configuration.

        What is left out stays. In effect without a restart. Needs the permission `config:update`.
        """
        return run(self._http.call(
            "PUT",
            "/config",
            Config,
            body=fields(ConfigUpdate, body, given),
            if_match=if_match,
        ))


class AuditResource(Resource):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
        user_id: Optional[str] = None,
        result: Optional[AuditResult] = None,
    ) -> Page[AuditEntry]:
        """Who changed what.

        With `after` the entries that follow it, oldest first; without, the newest first. Needs the
        permission `audit:read`.
        """
        return run(self._http.page(
            "/audit",
            "entries",
            AuditEntry,
            {"page": page, "limit": limit, "after": after, "userId": user_id, "result": result},
        ))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
        after: Optional[str] = None,
        user_id: Optional[str] = None,
        result: Optional[AuditResult] = None,
    ) -> Drained[AuditEntry]:
        """Who changed what: all of them, page by page, however many there are."""
        return Drained(Pages(
            self._http,
            "/audit",
            "entries",
            AuditEntry,
            {"limit": limit, "after": after, "userId": user_id, "result": result},
        ))


class LogsResource(Resource):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        after: Optional[str] = None,
        level: Optional[LogLevel] = None,
        source: Optional[LogSource] = None,
        from_: Optional[str] = None,
        to: Optional[str] = None,
        user_id: Optional[str] = None,
        vm_id: Optional[str] = None,
    ) -> Page[LogEntry]:
        """What the system did.

        With `after` the entries that follow it, oldest first; without, the newest first. Needs the
        permission `log:read`.
        """
        return run(self._http.page(
            "/logs",
            "logs",
            LogEntry,
            {
                "page": page,
                "limit": limit,
                "after": after,
                "level": level,
                "source": source,
                "from": from_,
                "to": to,
                "userId": user_id,
                "vmId": vm_id,
            },
        ))

    def iterate(
        self,
        *,
        limit: Optional[int] = None,
        after: Optional[str] = None,
        level: Optional[LogLevel] = None,
        source: Optional[LogSource] = None,
        from_: Optional[str] = None,
        to: Optional[str] = None,
        user_id: Optional[str] = None,
        vm_id: Optional[str] = None,
    ) -> Drained[LogEntry]:
        """What the system did: all of them, page by page, however many there are."""
        return Drained(Pages(
            self._http,
            "/logs",
            "logs",
            LogEntry,
            {
                "limit": limit,
                "after": after,
                "level": level,
                "source": source,
                "from": from_,
                "to": to,
                "userId": user_id,
                "vmId": vm_id,
            },
        ))


class ClientResource(Resource):
    def list_events(
        self,
        *,
        after: Optional[float] = None,
        limit: Optional[int] = None,
        vm_id: Optional[str] = None,
    ) -> EventList:
        """Read what happened, in order.

        Oldest first: what follows `after`, or the oldest that are kept. Ask again with the `after`
        of the answer. Events are kept for seven days. Needs the permission `event:read`.
        """
        return run(self._http.call(
            "GET",
            "/events",
            EventList,
            query={"after": after, "limit": limit, "vmId": vm_id},
        ))
