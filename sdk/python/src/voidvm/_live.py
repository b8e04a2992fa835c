"""What happens, as it happens: one WebSocket for each iterator, which outlives it.

Events are gone through by their sequence, so a connection that broke is taken up again behind the
last one that was handed on: each comes once and none is missing. Of everything else the present
state comes again.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Type, TypeVar

from ._http import Http
from ._model import Model
from ._retry import retry_delay
from ._session import Credential
from ._source import Source
from ._websocket import Message, WebSocket, dial
from .errors import VoidVMError

M = TypeVar("M", bound=Model)

#: Called when the connection was lost, before it is taken up again.
OnReconnect = Callable[[VoidVMError], object]
Topic = Dict[str, Any]


class Updates(Source[M]):
    """`kind` is the type of the messages that are handed on."""

    def __init__(
        self,
        http: Http,
        topics: List[Topic],
        kind: str,
        model: Type[M],
        on_reconnect: Optional[OnReconnect],
        after: Optional[int] = None,
    ) -> None:
        self._http = http
        self._topics = topics
        self._kind = kind
        self._model = model
        self._on_reconnect = on_reconnect
        self._after = after
        self._failures = 0
        self._socket: Optional[WebSocket] = None
        self._waiting: Deque[Dict[str, Any]] = deque()
        self._credential: Optional[Credential] = None
        self._is_closed = False

    async def __anext__(self) -> M:
        while not self._is_closed:
            try:
                update = await self._next()
            except VoidVMError as error:
                if not self._is_closed:
                    await self._lose(error)
                continue
            if update["type"] == self._kind:
                data = update["data"]
                if self._kind == "system-event":
                    self._after = data["seq"]
                return self._model(data)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._is_closed = True
        if self._socket is not None:
            await self._socket.close(patience=0)

    async def _next(self) -> Dict[str, Any]:
        if self._socket is None:
            self._socket = await self._begin()
        return await self._receive(self._socket)

    async def _begin(self) -> WebSocket:
        settings = self._http.settings
        base = settings.base_url
        root = base[: -len("/api/v1")] if base.endswith("/api/v1") else base
        language = {"Accept-Language": settings.language} if settings.language else {}
        self._credential = await self._http.session.credential()
        self._waiting.clear()
        socket = await dial(
            self._http.runtime,
            f"ws{root[len('http'):]}/ws",
            self._take,
            headers=language,
            timeout=settings.timeout,
        )
        try:
            await self._say(socket, "auth", {"token": self._credential.token or ""})
            await self._answer(socket, "auth")
            for topic in self._topics:
                if topic["topic"] == "events" and self._after is not None:
                    topic = {**topic, "after": self._after}
                await self._say(socket, "subscribe", topic)
                position = (await self._answer(socket, "subscribe")).get("seq")
                if self._after is None and topic["topic"] == "events":
                    self._after = position
        except BaseException:
            await socket.abort()
            raise
        self._failures = 0
        return socket

    async def _answer(self, socket: WebSocket, kind: str) -> Dict[str, Any]:
        """What another subscription brings before it waits for its turn."""
        early: List[Dict[str, Any]] = []
        while True:
            message = await self._receive(socket)
            if message["type"] == kind:
                self._waiting.extendleft(reversed(early))
                data: Dict[str, Any] = message["data"]
                return data
            early.append(message)

    async def _receive(self, socket: WebSocket) -> Dict[str, Any]:
        while True:
            await socket.until(lambda: bool(self._waiting))
            if not self._waiting:
                raise socket.failure or VoidVMError("SOCKET_CLOSED", "it ended", retryable=True)
            message = self._waiting.popleft()
            if message["type"] == "error":
                data = message["data"]
                raise VoidVMError(data["code"], data["message"], details=data.get("details"))
            if message["type"] != "ping":
                return message
            # The server wants to know that what it sent is read, which it is by now.
            await self._say(socket, "pong", {}, id=message.get("id"))

    async def _lose(self, error: VoidVMError) -> None:
        """Waits until it is time to connect again, or raises what makes that pointless."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.abort()
        self._failures += 1
        is_refused = error.code in ("UNAUTHENTICATED", "TOKEN_EXPIRED") and self._failures == 1
        if is_refused and self._credential is not None:
            if await self._http.session.renewed(self._credential):
                return
        # A connection that never came about is tried as often as any call.
        if not error.retryable or self._failures > self._http.settings.retries:
            raise error
        if self._on_reconnect is not None:
            self._on_reconnect(error)
        await self._http.runtime.sleep(retry_delay(self._failures - 1, error.retry_after))

    def _take(self, message: Message) -> None:
        if isinstance(message, str):
            self._waiting.append(json.loads(message))

    async def _say(
        self, socket: WebSocket, kind: str, data: Dict[str, Any], id: Optional[str] = None
    ) -> None:
        message = {"type": kind, "data": data, "id": id}
        await socket.send(json.dumps({k: v for k, v in message.items() if v is not None}))
