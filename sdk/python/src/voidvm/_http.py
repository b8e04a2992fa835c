"""One call of the REST API: its tries, its answer, its error.

All tries of a POST bear the same Idempotency-Key, so an answer that was lost is told again and
nothing is done twice.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Type, TypeVar
from urllib.parse import urlencode

import httpx

from ._answer import read_answer
from ._model import Model
from ._page import Page
from ._retry import Retry, may_retry, retry_delay
from ._runtime import Runtime
from ._session import Session
from ._version import __version__
from .errors import VoidVMError
from .models import Login, Pagination

T = TypeVar("T")
M = TypeVar("M", bound=Model)


class Settings(NamedTuple):
    base_url: str
    language: Optional[str]
    #: Seconds of one try, beside what the server is asked to wait.
    timeout: float
    retries: int
    on_retry: Optional[Callable[[Retry], object]]


class Http:
    def __init__(self, runtime: Runtime, settings: Settings, **credentials: Any) -> None:
        self.runtime = runtime
        self.settings = settings
        self.session = Session(self._authenticate, runtime.lock(), **credentials)

    async def call(
        self,
        method: str,
        path: str,
        parse: Callable[[Any], T],
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Mapping[str, Any]] = None,
        bare: bool = False,
        open: bool = False,
        idempotency_key: Optional[str] = None,
        if_match: Optional[str] = None,
        patience: float = 0,
        retries: Optional[int] = None,
    ) -> T:
        """What the answer holds, read by `parse`.

        `bare`: it is not in the envelope. `open`: before there is a user. `patience`: seconds that
        the server is asked to wait with its answer.
        """
        if method == "POST" and not open:
            idempotency_key = idempotency_key or uuid.uuid4().hex
        url = self.settings.base_url + path + query_string(query or {})
        headers = self._headers(idempotency_key, if_match)
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        timeout = self.settings.timeout + patience
        # A PATCH, or a change on condition, that was made and whose answer was lost would be
        # refused the second time.
        repeatable = method != "PATCH" and if_match is None
        retries = self.settings.retries if retries is None else retries
        is_renewed = is_lost = False
        attempt = 0
        while True:
            credential = None if open else await self.session.credential()
            if credential is not None and credential.token is not None:
                headers["Authorization"] = f"Bearer {credential.token}"
            try:
                response = await self._send(method, url, headers, content, timeout)
                return read_answer(response, parse, bare)
            except VoidVMError as error:
                if error.status == 401 and credential is not None and not is_renewed:
                    is_renewed = await self.session.renewed(credential)
                    if is_renewed:
                        continue
                # The try whose answer was lost has deleted it.
                if is_lost and method == "DELETE" and is_gone(error):
                    return parse(None)
                is_lost = is_lost or error.status is None
                if attempt >= retries or not may_retry(error, repeatable):
                    raise
                delay = retry_delay(attempt, error.retry_after)
                attempt += 1
                if self.settings.on_retry is not None:
                    self.settings.on_retry(Retry(attempt, delay, error))
            await self.runtime.sleep(delay)

    async def page(
        self, path: str, key: str, model: Type[M], query: Mapping[str, Any]
    ) -> Page[M]:
        def parse(data: Any) -> Page[M]:
            return Page(map(model, data[key]), Pagination(data["pagination"]))

        return await self.call("GET", path, parse, query=query)

    async def log_in(self, path: str, body: Dict[str, Any]) -> Login:
        """The client is this login's from then on."""
        login = await self._authenticate(path, body)
        self.session.begin(login)
        return login

    async def log_out(self) -> None:
        await self.call("POST", "/auth/logout", lambda _: None)
        self.session.end()

    async def _authenticate(self, path: str, body: Dict[str, Any]) -> Login:
        return await self.call("POST", path, Login, body=body, open=True)

    async def _send(
        self,
        method: str,
        url: str,
        headers: Dict[str, str],
        content: Optional[bytes],
        timeout: float,
    ) -> httpx.Response:
        base = self.settings.base_url
        try:
            return await self.runtime.send(method, url, headers, content, timeout)
        except httpx.TimeoutException as error:
            message, code = f"{base} did not answer in time", "TIMEOUT"
            raise VoidVMError(code, message, retryable=True, details=repr(error)) from error
        except httpx.TransportError as error:
            message, code = f"{base} can't be reached", "NETWORK_ERROR"
            raise VoidVMError(code, message, retryable=True, details=repr(error)) from error

    def _headers(self, idempotency_key: Optional[str], if_match: Optional[str]) -> Dict[str, str]:
        headers = {
            "User-Agent": f"voidvm-python/{__version__}",
            "Accept-Language": self.settings.language,
            "Idempotency-Key": idempotency_key,
            "If-Match": if_match,
        }
        return {name: value for name, value in headers.items() if value is not None}


def query_string(query: Mapping[str, Any]) -> str:
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in query.items()
        if value is not None
    }
    return f"?{urlencode(given, doseq=True)}" if given else ""


def is_gone(error: VoidVMError) -> bool:
    return error.status == 404 or error.code == "VM_DELETING"
