"""What blocking and asynchronous clients differ in, and nothing else: how they wait."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Optional, Protocol, Type

import httpx


class Lock(Protocol):
    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None: ...


class Monitor(Lock, Protocol):
    """A lock, and a way to wait for what its other holders do."""

    async def wait(self, timeout: Optional[float]) -> None:
        """Releases it until somebody notifies, or for `timeout` seconds."""

    def notify_all(self) -> None: ...


class Connection(Protocol):
    """A connection. One may receive while another sends."""

    async def receive(self, timeout: float) -> bytes:
        """What there is; nothing at its end. Raises TimeoutError, and OSError where it broke."""

    async def send(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


class Runtime(Protocol):
    async def send(
        self,
        method: str,
        url: str,
        headers: Dict[str, str],
        content: Optional[bytes],
        timeout: float,
    ) -> httpx.Response: ...

    async def connect(self, host: str, port: int, secure: bool, timeout: float) -> Connection:
        """Raises TimeoutError and OSError."""

    async def sleep(self, seconds: float) -> None: ...

    def lock(self) -> Lock: ...

    def monitor(self) -> Monitor: ...

    async def close(self) -> None: ...
