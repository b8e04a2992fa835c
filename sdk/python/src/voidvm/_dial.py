"""From an address to an open WebSocket."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence

from websockets import client as websockets_client
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ._runtime import Runtime
from ._websocket import Message, WebSocket
from .errors import VoidVMError

#: Bytes.
MAX_MESSAGE = 16 * 1_048_576


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
