"""What blocking and asynchronous clients differ in, and nothing else: how they wait."""

from __future__ import annotations

from types import TracebackType
from typing import Dict, Optional, Protocol, Type

import httpx


class Lock(Protocol):
    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> object: ...


class Runtime(Protocol):
    async def send(
        self,
        method: str,
        url: str,
        headers: Dict[str, str],
        content: Optional[bytes],
        timeout: float,
    ) -> httpx.Response: ...

    async def sleep(self, seconds: float) -> None: ...

    def lock(self) -> Lock: ...

    async def close(self) -> None: ...
