"""The runtime of asyncio. What it makes belongs to the event loop that first waits for it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Dict, Optional

import httpx

from ._runtime import Connection, Lock, Monitor


class AsyncRuntime:
    def __init__(
        self, http_client: Optional[httpx.AsyncClient], ssl_context: Optional[ssl.SSLContext]
    ) -> None:
        self._is_own = http_client is None
        self._client = http_client or httpx.AsyncClient(verify=ssl_context or True)
        self._ssl = ssl_context

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

    async def connect(self, host: str, port: int, secure: bool, timeout: float) -> Connection:
        if secure:
            self._ssl = self._ssl or ssl.create_default_context()
        opening = asyncio.open_connection(host, port, ssl=self._ssl if secure else None)
        try:
            reader, writer = await asyncio.wait_for(opening, timeout)
        except asyncio.TimeoutError:
            raise TimeoutError("no connection in time") from None
        return AsyncConnection(reader, writer)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def lock(self) -> Lock:
        return AsyncMonitor()

    def monitor(self) -> Monitor:
        return AsyncMonitor()

    async def close(self) -> None:
        if self._is_own:
            await self._client.aclose()


class AsyncMonitor:
    def __init__(self) -> None:
        self._made: Optional[asyncio.Condition] = None

    @property
    def _condition(self) -> asyncio.Condition:
        # Python 3.9 binds it to the loop that there is when it is made, which may be none.
        if self._made is None:
            self._made = asyncio.Condition()
        return self._made

    async def __aenter__(self) -> None:
        await self._condition.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._condition.release()

    async def wait(self, timeout: Optional[float]) -> None:
        try:
            await asyncio.wait_for(self._condition.wait(), timeout)
        except asyncio.TimeoutError:
            pass

    def notify_all(self) -> None:
        self._condition.notify_all()


class AsyncConnection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        connection = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def receive(self, timeout: float) -> bytes:
        try:
            return await asyncio.wait_for(self._reader.read(65_536), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError("nothing came in time") from None

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass
