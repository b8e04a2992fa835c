"""What is iterated over, with `async for` or, drained, with `for`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, AsyncIterator, Coroutine, Optional, Type, TypeVar

T_co = TypeVar("T_co", covariant=True)
Self = TypeVar("Self", bound="Source[Any]")


class Source(AsyncIterator[T_co], ABC):
    """No async generator: nobody finishes those where there is no event loop."""

    @abstractmethod
    def __anext__(self) -> Coroutine[Any, Any, T_co]: ...

    @abstractmethod
    async def aclose(self) -> None: ...

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.aclose()
