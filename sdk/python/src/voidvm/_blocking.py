"""The runtime that blocks the calling thread. Any number of threads may share it."""

from __future__ import annotations

import ssl
import threading
import time
from typing import Dict, Optional

import httpx

from ._runtime import Lock


class BlockingRuntime:
    def __init__(
        self, http_client: Optional[httpx.Client], ssl_context: Optional[ssl.SSLContext]
    ) -> None:
        self._is_own = http_client is None
        self._client = http_client or httpx.Client(verify=ssl_context or True)

    async def send(
        self,
        method: str,
        url: str,
        headers: Dict[str, str],
        content: Optional[bytes],
        timeout: float,
    ) -> httpx.Response:
        return self._client.request(method, url, headers=headers, content=content, timeout=timeout)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def lock(self) -> Lock:
        return BlockingLock()

    async def close(self) -> None:
        if self._is_own:
            self._client.close()


class BlockingLock:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
