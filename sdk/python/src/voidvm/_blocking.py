"""The runtime that blocks the calling thread. Any number of threads may share it."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
from typing import Dict, Optional

import httpx

from ._runtime import Connection, Lock, Monitor


class BlockingRuntime:
    def __init__(
        self, http_client: Optional[httpx.Client], ssl_context: Optional[ssl.SSLContext]
    ) -> None:
        self._is_own = http_client is None
        self._client = http_client or httpx.Client(verify=ssl_context or True)
        self._ssl = ssl_context

    async def send(
        self,
        method: str,
        url: str,
        headers: Dict[str, str],
        content: Optional[bytes],
        timeout: float,
    ) -> httpx.Response:
        return self._client.request(method, url, headers=headers, content=content, timeout=timeout)

    async def connect(self, host: str, port: int, secure: bool, timeout: float) -> Connection:
        connection = socket.create_connection((host, port), timeout)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure:
                self._ssl = self._ssl or ssl.create_default_context()
                connection = self._ssl.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise
        return BlockingConnection(connection)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def lock(self) -> Lock:
        return BlockingMonitor()

    def monitor(self) -> Monitor:
        return BlockingMonitor()

    async def close(self) -> None:
        if self._is_own:
            self._client.close()


class BlockingMonitor:
    def __init__(self) -> None:
        self._condition = threading.Condition()

    async def __aenter__(self) -> None:
        self._condition.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._condition.release()

    async def wait(self, timeout: Optional[float]) -> None:
        self._condition.wait(timeout)

    def notify_all(self) -> None:
        self._condition.notify_all()


class BlockingConnection:
    """The socket itself never blocks: two threads must not be inside of one TLS socket at once."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._inside = threading.Lock()
        self._waiting = 0
        self._is_closed = False

    async def receive(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        while True:
            try:
                with self._inside:
                    return self._connection.recv(65_536)
            except (BlockingIOError, ssl.SSLWantReadError):
                event = selectors.EVENT_READ
            except ssl.SSLWantWriteError:
                event = selectors.EVENT_WRITE
            except ssl.SSLEOFError:
                return b""
            self._wait(event, deadline - time.monotonic())

    async def send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                with self._inside:
                    left = left[self._connection.send(left) :]
                continue
            except (BlockingIOError, ssl.SSLWantWriteError):
                event = selectors.EVENT_WRITE
            except ssl.SSLWantReadError:
                event = selectors.EVENT_READ
            self._wait(event, SEND_TIMEOUT)

    async def close(self) -> None:
        with self._inside:
            self._is_closed = True
            try:
                # Who waits for this socket in another thread wakes up.
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            # One that is gone before they have woken would never wake them.
            if self._waiting == 0:
                self._connection.close()

    def _wait(self, event: int, timeout: float) -> None:
        with self._inside:
            if self._is_closed:
                raise OSError("the connection was closed")
            self._waiting += 1
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, event)
                if timeout <= 0 or not selector.select(timeout):
                    raise TimeoutError("nothing came in time")
        finally:
            with self._inside:
                self._waiting -= 1
                if self._is_closed and self._waiting == 0:
                    self._connection.close()


#: Seconds in which the other side takes nothing of what is sent.
SEND_TIMEOUT = 60.0
