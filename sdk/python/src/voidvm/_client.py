"""The two clients. They take the same and have the same; one blocks, one is awaited."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Callable, Optional, Type

import httpx

from . import _async_methods, _methods, _vms, _watched
from ._asynchronous import AsyncRuntime
from ._blocking import BlockingRuntime
from ._http import Http, Settings
from ._retry import Retry
from ._run import run
from .models import Login

DEFAULT_BASE_URL = "http://localhost:3000/api/v1"


class VoidVMClient(_watched.EventsOfClient):
    """A client that blocks. Any number of threads may share one.

    `token` is that of a login or a personal access token (`vvm_…`). In place of it, with `username`
    and `password`, it logs in with the first call and keeps the session fresh; or goes on with a
    session that was begun before, with a `refresh_token`, which is good once: `on_login` is called
    with each new pair.

    `language` is that of messages for people: `zh-CN` (the server's default) or `en`. `timeout` is
    that of one try, in seconds, beside what the server is asked to wait. `retries` tells how often
    a call is tried again after it met a limit, an overload or a broken connection; `on_retry` is
    called before each. `ssl_context` is for servers whose certificate only you trust; `http_client`
    for proxies and whatever else httpx can do, and stays yours to close.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        token: Optional[str] = None,
        *,
        username: Optional[str] = None,
        password: Optional[str] = None,
        refresh_token: Optional[str] = None,
        on_login: Optional[Callable[[Login], object]] = None,
        language: Optional[str] = None,
        timeout: float = 30.0,
        retries: int = 5,
        on_retry: Optional[Callable[[Retry], object]] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        http_client: Optional[httpx.Client] = None,
    ) -> None:
        http = Http(
            BlockingRuntime(http_client, ssl_context),
            Settings(base_url.rstrip("/"), language, timeout, retries, on_retry),
            token=token,
            username=username,
            password=password,
            refresh_token=refresh_token,
            on_login=on_login,
        )
        super().__init__(http)
        self.auth = _methods.AuthResource(http)
        self.tokens = _methods.TokensResource(http)
        self.users = _methods.UsersResource(http)
        self.roles = _methods.RolesResource(http)
        self.permissions = _methods.PermissionsResource(http)
        self.vms = _vms.VmsResource(http)
        self.operations = _watched.OperationsResource(http)
        self.images = _methods.ImagesResource(http)
        self.hosts = _methods.HostsResource(http)
        self.system = _watched.SystemResource(http)
        self.config = _methods.ConfigResource(http)
        self.audit = _methods.AuditResource(http)
        self.logs = _methods.LogsResource(http)

    def close(self) -> None:
        run(self._http.runtime.close())

    def __enter__(self) -> VoidVMClient:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


class AsyncVoidVMClient(_watched.AsyncEventsOfClient):
    """A client for asyncio. It takes what `VoidVMClient` takes."""

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        token: Optional[str] = None,
        *,
        username: Optional[str] = None,
        password: Optional[str] = None,
        refresh_token: Optional[str] = None,
        on_login: Optional[Callable[[Login], object]] = None,
        language: Optional[str] = None,
        timeout: float = 30.0,
        retries: int = 5,
        on_retry: Optional[Callable[[Retry], object]] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        http_client: Optional[httpx.AsyncClient] = None,
    ) -> None:
        http = Http(
            AsyncRuntime(http_client, ssl_context),
            Settings(base_url.rstrip("/"), language, timeout, retries, on_retry),
            token=token,
            username=username,
            password=password,
            refresh_token=refresh_token,
            on_login=on_login,
        )
        super().__init__(http)
        self.auth = _async_methods.AsyncAuthResource(http)
        self.tokens = _async_methods.AsyncTokensResource(http)
        self.users = _async_methods.AsyncUsersResource(http)
        self.roles = _async_methods.AsyncRolesResource(http)
        self.permissions = _async_methods.AsyncPermissionsResource(http)
        self.vms = _vms.AsyncVmsResource(http)
        self.operations = _watched.AsyncOperationsResource(http)
        self.images = _async_methods.AsyncImagesResource(http)
        self.hosts = _async_methods.AsyncHostsResource(http)
        self.system = _watched.AsyncSystemResource(http)
        self.config = _async_methods.AsyncConfigResource(http)
        self.audit = _async_methods.AsyncAuditResource(http)
        self.logs = _async_methods.AsyncLogsResource(http)

    async def close(self) -> None:
        await self._http.runtime.close()

    async def __aenter__(self) -> AsyncVoidVMClient:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()
