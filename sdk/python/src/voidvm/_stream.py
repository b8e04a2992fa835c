"""Bytes between here and something on a host: a screen, a serial console, a port of the guest.

Each side sends no more than it was granted, so a slow reader here holds up the source there, and
nothing piles up on the way.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import (
    Any,
    Awaitable,
    Callable,
    Dict,
    Generator,
    Generic,
    Optional,
    Type,
    TypeVar,
    Union,
)

from ._constants import (
    CREDIT_PROTOCOL,
    RETRYABLE_STREAM_ERRORS,
    STREAM_FRAME,
    STREAM_WINDOW,
    TUNNEL_WINDOW,
)
from ._dial import dial
from ._runtime import Runtime
from ._websocket import Message, WebSocket
from .errors import VoidVMError

S = TypeVar("S", bound="AsyncStream")
Self = TypeVar("Self", bound="AsyncStream")


class AsyncStream:
    """One may read while another writes. Made by the methods of `client.vms`."""

    #: Bytes that the far end may be ahead of the reader: it begins with `STREAM_WINDOW`, the least.
    _window = TUNNEL_WINDOW
    _socket: WebSocket

    def __init__(self) -> None:
        self._received = bytearray()
        self._consumed = 0
        self._credit = STREAM_WINDOW
        self._is_open = False
        self._is_ended = False
        self._writable = False
        self._lost = 0
        self._failure: Optional[VoidVMError] = None

    @property
    def writable(self) -> bool:
        """Whether what is written reaches the guest: false for who may only look."""
        return self._writable

    async def read(self, size: int = STREAM_FRAME, timeout: Optional[float] = None) -> bytes:
        """What has arrived, at most `size` bytes; waits where there is nothing. `b""` at the end.

        Raises what ended the stream where that was not in order, and TIMEOUT.
        """
        is_there = await self._socket.until(
            lambda: bool(self._received) or self._is_ended,
            *(() if timeout is None else (timeout,)),
        )
        if not is_there:
            raise VoidVMError("TIMEOUT", "nothing came in time", retryable=True)
        grant = 0
        async with self._socket.monitor:
            data = bytes(self._received[:size])
            del self._received[: len(data)]
            self._consumed += len(data)
            if self._consumed >= self._window // 2 and not self._socket.is_closed:
                grant, self._consumed = self._consumed, 0
        if grant:
            await self._control({"type": "credit", "bytes": grant})
        if not data:
            self._raise_failure()
        return data

    async def write(self, data: Union[bytes, bytearray, memoryview]) -> None:
        """Waits while the other side is slow."""
        left = memoryview(data).cast("B")
        while left:
            await self._socket.until(lambda: self._credit > 0)
            self._raise_failure()
            async with self._socket.monitor:
                size = min(len(left), self._credit, STREAM_FRAME)
                self._credit -= size
            if size:
                await self._socket.send(bytes(left[:size]))
                left = left[size:]
            elif self._socket.is_closed:
                raise self._socket.ended()

    async def end(self) -> None:
        """No more is written. What still comes can be read."""
        await self._control({"type": "end"})

    async def close(self) -> None:
        self._is_ended = True
        await self._socket.close()

    def __aiter__(self: Self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        data = await self.read()
        if not data:
            raise StopAsyncIteration
        return data

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()

    @classmethod
    async def open(cls: Type[Self], runtime: Runtime, url: str, timeout: float) -> Self:
        """Open once the host has reached what it leads to."""
        stream = cls()
        socket = await dial(
            runtime,
            url,
            stream._take,
            headers={},
            timeout=timeout,
            subprotocols=[CREDIT_PROTOCOL],
        )
        stream._socket = socket
        try:
            if not await socket.until(lambda: stream._is_open or stream._is_ended, timeout):
                raise VoidVMError("TIMEOUT", "the host did not answer in time", retryable=True)
            if not stream._is_open:
                stream._raise_failure()
                raise socket.ended()
            if stream._window > STREAM_WINDOW and not stream._is_ended:
                await stream._control({"type": "credit", "bytes": stream._window - STREAM_WINDOW})
        except BaseException:
            await socket.abort()
            raise
        return stream

    async def _control(self, message: Dict[str, Any]) -> None:
        await self._socket.send(json.dumps(message))

    def _raise_failure(self) -> None:
        failure = self._failure or (self._socket.failure if self._socket.is_closed else None)
        if failure is not None:
            raise failure

    def _take(self, message: Message) -> None:
        if isinstance(message, bytes):
            if not self._is_ended:
                self._received += message
            return
        control = json.loads(message)
        kind = control["type"]
        if kind == "opened":
            self._is_open = True
            self._writable = control["writable"]
        elif kind == "credit":
            self._credit += control["bytes"]
        elif kind == "gap":
            self._lost += control["bytes"]
        elif kind == "writer":
            self._writable = control["writable"]
        elif kind == "end":
            self._is_ended = True
        elif kind == "closed":
            self._is_ended = True
            if control["code"] is not None:
                code: str = control["code"]
                is_passing = code in RETRYABLE_STREAM_ERRORS
                self._failure = VoidVMError(code, control["message"] or code, retryable=is_passing)


class AsyncSerialStream(AsyncStream):
    """A serial console."""

    _window = STREAM_WINDOW

    @property
    def lost(self) -> int:
        """Bytes that the host left out, because nobody read them in time."""
        return self._lost

    async def take_over(self) -> None:
        """Asks for the right to write, which one has at a time. `writable` tells."""
        await self._control({"type": "take-over"})


class AsyncConsoleStream(AsyncStream):
    """A screen: RFB (VNC) both ways, and input beside it for who speaks no RFB."""

    _window = STREAM_WINDOW

    async def mouse(self, x: int, y: int, buttons: int = 0) -> None:
        """`buttons` is a bit mask: 1 left, 2 middle, 4 right, 8 and 16 the wheel."""
        await self._control({"type": "mouse", "x": x, "y": y, "buttons": buttons})

    async def key(self, key: Union[str, int], down: bool) -> None:
        """A name such as "a" or "Enter", or an X keysym."""
        await self._control({"type": "key", "key": key, "down": down})

    async def type_text(self, text: str) -> None:
        """Key by key, as on a US keyboard."""
        await self._control({"type": "text", "text": text})


class Opening(Generic[S]):
    """Awaited it gives an open stream; with `async with`, one that is closed afterwards."""

    def __init__(self, open: Callable[[], Awaitable[S]]) -> None:
        self._open = open
        self._stream: Optional[S] = None

    def __await__(self) -> Generator[Any, None, S]:
        return self._open().__await__()

    async def __aenter__(self) -> S:
        self._stream = await self._open()
        return self._stream

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._stream is not None:
            await self._stream.close()
