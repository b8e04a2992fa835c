"""How what is written once, as coroutines, is carried out without an event loop.

The coroutines only ever wait for their `Runtime`. The blocking one answers every wait at once,
after it has blocked, so such a coroutine runs through in one go.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Coroutine, Generic, Iterator, Optional, Type, TypeVar

from ._source import Source

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    coroutine.close()
    raise RuntimeError("a coroutine that needs an event loop was run without one")


class Drained(Iterator[T], Generic[T]):
    """An iterator that blocks until there is something more."""

    def __init__(self, source: Source[T]) -> None:
        self._source = source

    def __next__(self) -> T:
        try:
            return run(self._source.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        run(self._source.aclose())

    def __enter__(self) -> Drained[T]:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
