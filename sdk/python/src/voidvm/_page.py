"""Lists: one page, and all pages."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Deque, Dict, Iterable, List, Set, Type, TypeVar

from ._model import Model
from ._source import Source
from .models import Pagination

if TYPE_CHECKING:
    from ._http import Http

M = TypeVar("M", bound=Model)


class Page(List[M]):
    """A list that knows what there is besides."""

    pagination: Pagination

    def __init__(self, entries: Iterable[M], pagination: Pagination) -> None:
        super().__init__(entries)
        self.pagination = pagination


class Pages(Source[M]):
    """Everything, page by page.

    An entry that moved to the next page while the list grew comes once. With `after` it goes from
    entry to entry, and misses nothing however the list grows.
    """

    def __init__(
        self, http: Http, path: str, key: str, model: Type[M], query: Dict[str, Any]
    ) -> None:
        self._http = http
        self._where = (path, key, model)
        self._query = {**query, "limit": query.get("limit") or 100}
        self._by_entry = query.get("after") is not None
        self._page = 1
        self._entries: Deque[M] = deque()
        self._seen: Set[str] = set()
        self._is_through = False

    async def __anext__(self) -> M:
        while not self._entries:
            if self._is_through:
                raise StopAsyncIteration
            await self._turn()
        return self._entries.popleft()

    async def aclose(self) -> None:
        self._is_through = True
        self._entries.clear()

    async def _turn(self) -> None:
        page = await self._http.page(*self._where, {**self._query, "page": self._page})
        self._is_through = not page or page.pagination.page >= page.pagination.pages
        self._entries.extend(entry for entry in page if entry["id"] not in self._seen)
        if self._by_entry:
            self._query["after"] = page[-1]["id"] if page else None
        else:
            self._seen.update(entry["id"] for entry in page)
            self._page += 1
