"""When and after which time a call is tried again."""

from __future__ import annotations

import random
from typing import NamedTuple, Optional

from .errors import VoidVMError

#: Seconds.
BASE = 0.5
MOST = 8.0
#: Who is told to come again later than this is told so, in place of being kept waiting.
LONGEST_RETRY_AFTER = 65.0


class Retry(NamedTuple):
    """What is about to be tried again, after `delay` seconds."""

    attempt: int
    delay: float
    error: VoidVMError


def retry_delay(attempt: int, retry_after: Optional[float] = None) -> float:
    """With full jitter, so that clients that failed together don't come back together.

    What the server asked for is the least.
    """
    if retry_after is not None:
        return retry_after + random.uniform(0, BASE)
    return random.uniform(0, min(MOST, BASE * 2.0**attempt))


def may_retry(error: VoidVMError, repeatable: bool) -> bool:
    """`repeatable`: the call may reach the server twice without doing anything twice.

    What the server refused to begin (a limit, an overload) is tried again in any case.
    """
    if (error.retry_after or 0) > LONGEST_RETRY_AFTER:
        return False
    if error.status == 429 or error.code == "IDEMPOTENCY_IN_PROGRESS":
        return True
    if error.status == 503 and error.retry_after is not None:
        return True
    is_lost = error.code in ("NETWORK_ERROR", "TIMEOUT")
    return repeatable and (is_lost or error.status in (502, 503, 504))
