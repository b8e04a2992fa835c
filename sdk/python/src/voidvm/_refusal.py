"""The API's own error, where it answers something else than a WebSocket."""

from __future__ import annotations

from typing import List, Tuple

import httpx
from websockets.http11 import Response

from ._answer import read_answer
from .errors import VoidVMError


def refusal(response: Response) -> VoidVMError:
    headers: List[Tuple[str, str]] = list(response.headers.raw_items())
    content = bytes(response.body or b"")
    answer = httpx.Response(response.status_code, headers=headers, content=content)
    try:
        read_answer(answer, lambda _: None, bare=False)
    except VoidVMError as error:
        return error
    return VoidVMError("INVALID_RESPONSE", "a WebSocket was asked for", status=answer.status_code)
