"""Opening a stream: a ticket, which is good once, and the socket that it opens."""

from __future__ import annotations

from typing import Any, Dict, Type, TypeVar

from ._http import Http
from ._resource import segment
from ._retry import may_retry, retry_delay
from ._stream import AsyncSerialStream, AsyncStream
from .errors import VoidVMError
from .models import StreamTicket

S = TypeVar("S", bound=AsyncStream)


async def open_stream(http: Http, kind: Type[S], id: str, what: str, query: Dict[str, Any]) -> S:
    attempt = 0
    while True:
        path = f"/vms/{segment(id)}/{what}"
        ticket = await http.call("GET", path, StreamTicket, query=query)
        try:
            return await kind.open(http.runtime, ticket.url, http.settings.timeout)
        except VoidVMError as error:
            if attempt >= http.settings.retries or not may_retry(error, repeatable=True):
                raise
            delay = retry_delay(attempt, error.retry_after)
            attempt += 1
        await http.runtime.sleep(delay)


async def open_serial(http: Http, id: str, view_only: bool, take_over: bool) -> AsyncSerialStream:
    query = {"viewOnly": view_only}
    stream = await open_stream(http, AsyncSerialStream, id, "console/serial", query)
    if take_over and not stream.writable:
        await stream.take_over()
    return stream
