"""The one error that the SDK raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional, Sequence

if TYPE_CHECKING:
    from .models import Operation


class FieldError(NamedTuple):
    """What is wrong with which part of the input."""

    path: str
    message: str


class VoidVMError(Exception):
    """A call that failed, or an operation that did.

    Branch on `code`: it never changes its meaning. Beside the API's own codes there are these:
    NETWORK_ERROR (nothing answered, or the connection broke), TIMEOUT (it took longer than was
    allowed), INVALID_RESPONSE (what answered is not this API), SOCKET_CLOSED (a WebSocket is closed
    and can't be had again).
    """

    code: str
    #: For people, in the language that was asked for.
    message: str
    #: Of HTTP; None where there was no answer, and where an operation failed on its host.
    status: Optional[int]
    #: Finds the request in the server's logs.
    request_id: Optional[str]
    #: The same request may work later without a change.
    retryable: bool
    #: Which parts of the input are wrong.
    fields: Sequence[FieldError]
    #: In English, for logs and reports.
    details: Optional[str]
    #: The operation that failed, or that goes on behind a TIMEOUT.
    operation: Optional[Operation]
    #: Seconds after which the server asks to come again.
    retry_after: Optional[float]

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: Optional[int] = None,
        request_id: Optional[str] = None,
        retryable: bool = False,
        fields: Sequence[FieldError] = (),
        details: Optional[str] = None,
        operation: Optional[Operation] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.retryable = retryable
        self.fields = fields
        self.details = details
        self.operation = operation
        self.retry_after = retry_after

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        return f"{text} ({self.details})" if self.details else text
