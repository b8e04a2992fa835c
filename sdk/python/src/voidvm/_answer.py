"""From an HTTP response to what it holds, or to the error that it tells."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Optional, TypeVar

import httpx

from ._model import Model
from .errors import FieldError, VoidVMError

T = TypeVar("T")


def read_answer(response: httpx.Response, parse: Callable[[Any], T], bare: bool) -> T:
    is_json = "json" in response.headers.get("Content-Type", "")
    if response.is_success and not response.content:
        return parse(None)
    if response.is_success and bare:
        return parse(_json(response) if is_json else response.text)
    answer = _json(response) if is_json else None
    if not isinstance(answer, dict) or not response.is_success or answer.get("success") is not True:
        raise _error(response, answer if isinstance(answer, dict) else {})
    data = parse(answer.get("data"))
    if isinstance(data, Model):
        data.etag = response.headers.get("ETag")
    return data


def _error(response: httpx.Response, answer: Dict[str, Any]) -> VoidVMError:
    status = response.status_code
    told = answer.get("error")
    error = told if isinstance(told, dict) else {}
    code = error.get("code", "INVALID_RESPONSE")
    message = f"HTTP {status} without an answer of this API: is the address right?"
    return VoidVMError(
        code,
        error.get("message", message),
        status=status,
        request_id=response.headers.get("X-Request-Id"),
        retryable=status == 429
        or status >= 502
        or code in ("IDEMPOTENCY_IN_PROGRESS", "TOO_MANY_OPERATIONS"),
        fields=[FieldError(one["path"], one["message"]) for one in error.get("fields", [])],
        details=error.get("details"),
        retry_after=_seconds(response.headers.get("Retry-After")),
    )


def _json(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _seconds(text: Optional[str]) -> Optional[float]:
    return float(text) if text is not None and text.isdigit() else None
