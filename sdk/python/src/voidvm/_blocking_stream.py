"""Streams that block. One thread may read while another writes."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Generic, Iterator, Optional, Type, TypeVar, Union

from ._constants import STREAM_FRAME
from ._run import run
from ._stream import AsyncConsoleStream, AsyncSerialStream, AsyncStream

S = TypeVar("S", bound=AsyncStream)
Self = TypeVar("Self", bound="BlockingStream[Any]")


class BlockingStream(Generic[S]):
    def __init__(self, stream: S) -> None:
        self._stream = stream

    @property
    def writable(self) -> bool:
        """Whether what is written reaches the guest: false for who may only look."""
        return self._stream.writable

    def read(self, size: int = STREAM_FRAME, timeout: Optional[float] = None) -> bytes:
        """What has arrived, at most `size` bytes; waits where there is nothing. `b""` at the end.

        Raises what ended the stream where that was not in order, and TIMEOUT.
        """
        return run(self._stream.read(size, timeout))

    def write(self, data: Union[bytes, bytearray, memoryview]) -> None:
        """Waits while the other side is slow."""
        run(self._stream.write(data))

    def end(self) -> None:
        """No more is written. What still comes can be read."""
        run(self._stream.end())

    def close(self) -> None:
        run(self._stream.close())

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


class Stream(BlockingStream[AsyncStream]):
    """A port of the guest."""


class SerialStream(BlockingStream[AsyncSerialStream]):
    """A serial console."""

    @property
    def lost(self) -> int:
        """Bytes that the host left out, because nobody read them in time."""
        return self._stream.lost

    def take_over(self) -> None:
        """Asks for the right to write, which one has at a time. `writable` tells."""
        run(self._stream.take_over())


class ConsoleStream(BlockingStream[AsyncConsoleStream]):
    """A screen: RFB (VNC) both ways, and input beside it for who speaks no RFB."""

    def mouse(self, x: int, y: int, buttons: int = 0) -> None:
        """`buttons` is a bit mask: 1 left, 2 middle, 4 right, 8 and 16 the wheel."""
        run(self._stream.mouse(x, y, buttons))

    def key(self, key: Union[str, int], down: bool) -> None:
        """A name such as "a" or "Enter", or an X keysym."""
        run(self._stream.key(key, down))

    def type_text(self, text: str) -> None:
        """Key by key, as on a US keyboard."""
        run(self._stream.type_text(text))
