"""The runtime of asyncio. What it makes belongs to the event loop that first waits for it."""

from __future__ import annotations

import asyncio
import ssl
from typing import Dict, Optional

import httpx

from ._runtime import Lock


class AsyncRuntime:
    def __init__(
        self, http_client: Optional[httpx.AsyncClient], ssl_context: Optional[ssl.SSLContext]
    ) -> None:
        self._is_own = http_client is None
        self._client = http_client or httpx.AsyncClient(verify=ssl_context or True)

    async def send(
        self,
        method: str,
        url: str,
        headers: Dict[str, str],
        content: Optional[bytes],
        timeout: float,
    ) -> httpx.Response:
        return await self._client.request(
            method, url, headers=headers, content=content, timeout=timeout
        )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def lock(self) -> Lock:
        return LazyLock()

    async def close(self) -> None:
        if self._is_own:
            await self._client.aclose()


class LazyLock:
    """Python 3.9 binds a lock to the loop that there is when it is made, which may be none."""

    def __init__(self) -> None:
        self._lock: Optional[asyncio.Lock] = None

    async def __aenter__(self) -> None:
        if self._lock is None:
            self._lock = asyncio.Lock()
        await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.release()
