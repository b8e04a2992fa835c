"""What a call identifies itself with.

However many calls need a new token at once, there is one login or one refresh: a refresh token is
good once, and two that spent the same would end the session.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, Awaitable, Callable, Dict, NamedTuple, Optional

from ._runtime import Lock
from .errors import VoidVMError
from .models import Login

Authenticate = Callable[[str, Dict[str, Any]], Awaitable[Login]]

#: A token is renewed so many seconds before its end.
MARGIN = 60.0


class Credential(NamedTuple):
    #: None: the call goes without one.
    token: Optional[str]
    #: Two tokens of one second may be the same text.
    generation: int


class Session:
    def __init__(
        self,
        authenticate: Authenticate,
        lock: Lock,
        *,
        token: Optional[str],
        username: Optional[str],
        password: Optional[str],
        refresh_token: Optional[str],
        on_login: Optional[Callable[[Login], object]],
    ) -> None:
        self._authenticate = authenticate
        self._lock = lock
        self._token = token
        self._credentials = (
            None if username is None else {"username": username, "password": password or ""}
        )
        self._refresh_token = refresh_token
        self._generation = 0
        self._on_login = on_login
        #: On the monotonic clock; None for a token that nobody renews.
        self._renew_at = None if token is not None else 0.0

    async def credential(self) -> Credential:
        if self._renew_at is not None and time.monotonic() >= self._renew_at:
            async with self._lock:
                if self._renew_at is not None and time.monotonic() >= self._renew_at:
                    await self._renew()
        return Credential(self._token, self._generation)

    async def renewed(self, refused: Credential) -> bool:
        """After a 401: whether another try is worth it."""
        if self._credentials is None and self._refresh_token is None:
            return False
        async with self._lock:
            # Another call may have renewed it meanwhile.
            if self._generation == refused.generation:
                await self._renew()
        return True

    def begin(self, login: Login) -> None:
        """From now on calls are this login's."""
        ends = datetime.fromisoformat(login.expires_at.replace("Z", "+00:00"))
        left = (ends - datetime.now(timezone.utc)).total_seconds()
        self._token = login.token
        self._generation += 1
        self._refresh_token = login.refresh_token
        # A clock that is wrong makes it look ended: then it is used until it is refused.
        self._renew_at = time.monotonic() + max(left - MARGIN, left / 2) if left > 0 else None
        if self._on_login is not None:
            self._on_login(login)

    def end(self) -> None:
        self._token = self._refresh_token = None
        self._renew_at = 0.0

    async def _renew(self) -> None:
        refresh_token, self._refresh_token = self._refresh_token, None
        if refresh_token is not None:
            try:
                return self.begin(
                    await self._authenticate("/auth/refresh", {"refreshToken": refresh_token})
                )
            except VoidVMError as error:
                if error.status != 401:
                    self._refresh_token = refresh_token
                if error.status != 401 or self._credentials is None:
                    raise
        if self._credentials is not None:
            self.begin(await self._authenticate("/auth/login", dict(self._credentials)))
