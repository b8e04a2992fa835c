"""A WebSocket on any runtime, with the protocol of `websockets` and without its own ways to wait.

Any number of readers and writers may use it at once: whoever waits for something that must still
arrive receives, unless another does already, and hands on what is the other's. Nothing is received
while nobody waits, so a reader that is slow holds up the sender.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Sequence, Tuple, Union

import httpx
from websockets import client as websockets_client
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ._answer import read_answer
from ._constants import CLOSE_REASONS
from ._runtime import Connection, Runtime
from .errors import VoidVMError

Message = Union[str, bytes]

#: Bytes.
MAX_MESSAGE = 16 * 1_048_576
#: Seconds of silence after which the other side is asked, and after which it is given up.
PING_AFTER = 20.0
SILENCE = 45.0
#: After which it is no use to connect again.
FINAL_CLOSE_REASONS = ("malformed", "notFound", "tooLarge", "tooMany", "unauthenticated")
#: Seconds that the other side has to answer a close.
CLOSE_TIMEOUT = 5.0


class WebSocket:
    """`take` is given each message as it arrives. It must not wait."""

    def __init__(
        self,
        runtime: Runtime,
        connection: Connection,
        protocol: Any,
        take: Callable[[Message], None],
    ) -> None:
        self._connection = connection
        self._protocol = protocol
        self._take = take
        #: Held while messages are taken: what `take` touches is touched under it.
        self.monitor = runtime.monitor()
        self._sending = runtime.lock()
        self._outgoing: Deque[bytes] = deque()
        self._fragments: List[bytes] = []
        self._is_text = False
        self._is_receiving = False
        self._heard_at = time.monotonic()
        self._is_closing = False
        self._is_closed = False
        #: Why it is over, where that is not in order.
        self.failure: Optional[VoidVMError] = None
        self.response: Optional[Response] = None

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @property
    def subprotocol(self) -> Optional[str]:
        found: Optional[str] = self._protocol.subprotocol
        return found

    async def until(self, ready: Callable[[], bool], timeout: float = math.inf) -> bool:
        """Receives until it is so, or the socket is closed. False where the time is up."""
        deadline = time.monotonic() + timeout
        while True:
            async with self.monitor:
                while self._is_receiving and not (ready() or self._is_closed):
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return False
                    await self.monitor.wait(None if left == math.inf else left)
                if ready() or self._is_closed:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._is_receiving = True
            await self._receive(left)

    async def send(self, message: Message) -> None:
        """Raises what ended it, if it is over."""
        async with self.monitor:
            if self._is_closed or self._is_closing:
                raise self.ended()
            if isinstance(message, str):
                self._protocol.send_text(message.encode())
            else:
                self._protocol.send_binary(message)
            self._collect()
        await self._flush()

    async def open(self, headers: Dict[str, str], timeout: float) -> None:
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._collect()
        await self._flush()
        if not await self.until(lambda: self.response is not None, timeout):
            raise VoidVMError("TIMEOUT", "the WebSocket was not opened in time", retryable=True)
        if self.response is None:
            raise self.ended()
        if self.response.status_code != 101:
            raise _refusal(self.response)

    async def close(self, patience: float = CLOSE_TIMEOUT) -> None:
        """With the other side's goodbye, so that what was sent arrives."""
        try:
            if not self._is_closed:
                async with self.monitor:
                    if not self._is_closing:
                        self._is_closing = True
                        self._protocol.send_close(1000)
                        self._collect()
                await self._flush()
                await self.until(lambda: self._is_closed, patience)
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Without a word to the other side."""
        self._is_closed = True
        await self._connection.close()

    def ended(self) -> VoidVMError:
        return self.failure or VoidVMError("SOCKET_CLOSED", "the connection is closed")

    async def _receive(self, left: float) -> None:
        data: Optional[bytes] = None
        failure: Optional[OSError] = None
        try:
            data = await self._connection.receive(min(left, PING_AFTER))
        except TimeoutError:
            pass
        except OSError as error:
            failure = error
        finally:
            async with self.monitor:
                self._is_receiving = False
                if failure is not None:
                    self._break(repr(failure))
                elif data is not None:
                    self._digest(data)
                elif time.monotonic() - self._heard_at > SILENCE:
                    self._break("the other side has fallen silent")
                elif self.response is not None and left > PING_AFTER and not self._is_closing:
                    self._protocol.send_ping(b"")
                self._collect()
                self.monitor.notify_all()
        await self._flush()

    def _digest(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        try:
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
        except Exception as error:  # Old versions raise what they can't read of an answer.
            self._break(repr(error))
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self.response = event
            elif isinstance(event, Frame):
                self._take_frame(event)
        if not data and not self._is_closed:
            self._is_closed = True
            self.failure = self.failure or self._closing()

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode != Opcode.CONT:
            self._is_text = frame.opcode == Opcode.TEXT
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            whole = b"".join(self._fragments)
            self._fragments.clear()
            self._take(whole.decode() if self._is_text else whole)

    def _closing(self) -> Optional[VoidVMError]:
        """None: both sides said that it is over, and nothing was wrong."""
        code, reason = self._protocol.close_code, self._protocol.close_reason or ""
        if code in (1000, 1005):
            return None
        if code is None or code == 1006:
            return _broken("it ended without a goodbye")
        name = CLOSE_REASONS.get(code, str(code))
        text = f"the server closed the connection: {reason or name}"
        is_passing = name not in FINAL_CLOSE_REASONS
        return VoidVMError("SOCKET_CLOSED", text, details=f"{code} {reason}", retryable=is_passing)

    def _break(self, details: str) -> None:
        self._is_closed = True
        self.failure = self.failure or _broken(details)

    def _collect(self) -> None:
        # The empty one asks to end this direction, which the close of the connection does.
        self._outgoing.extend(data for data in self._protocol.data_to_send() if data)

    async def _flush(self) -> None:
        async with self._sending:
            while self._outgoing and not self._is_closed:
                try:
                    await self._connection.send(self._outgoing.popleft())
                except OSError as error:
                    self._break(repr(error))


async def dial(
    runtime: Runtime,
    url: str,
    take: Callable[[Message], None],
    *,
    headers: Dict[str, str],
    timeout: float,
    subprotocols: Sequence[str] = (),
) -> WebSocket:
    """An open socket. Raises the API's own error where it refuses."""
    uri = parse_uri(url)
    try:
        connection = await runtime.connect(uri.host, uri.port, uri.secure, timeout)
    except OSError as error:
        code = "TIMEOUT" if isinstance(error, TimeoutError) else "NETWORK_ERROR"
        message = f"{uri.host}:{uri.port} can't be reached"
        raise VoidVMError(code, message, retryable=True, details=repr(error)) from error
    named = [Subprotocol(name) for name in subprotocols] or None
    socket = WebSocket(runtime, connection, _protocol(uri, named), take)
    try:
        await socket.open(headers, timeout)
    except BaseException:
        await socket.abort()
        raise
    return socket


def _protocol(uri: Any, subprotocols: Optional[List[Subprotocol]]) -> Any:
    # The same under its name until websockets 10, and under that since.
    kind = getattr(websockets_client, "ClientProtocol", None)
    kind = kind or getattr(websockets_client, "ClientConnection")
    return kind(uri, subprotocols=subprotocols, max_size=MAX_MESSAGE)


def _refusal(response: Response) -> VoidVMError:
    headers: List[Tuple[str, str]] = list(response.headers.raw_items())
    content = bytes(response.body or b"")
    answer = httpx.Response(response.status_code, headers=headers, content=content)
    try:
        read_answer(answer, lambda _: None, bare=False)
    except VoidVMError as error:
        return error
    return VoidVMError("INVALID_RESPONSE", "a WebSocket was asked for", status=answer.status_code)


def _broken(details: str) -> VoidVMError:
    return VoidVMError("NETWORK_ERROR", "the connection broke", retryable=True, details=details)
