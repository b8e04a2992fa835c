"""From an operation that was accepted to its end, by long polls: each is one request."""

from __future__ import annotations

import inspect
import math
import time
from typing import Any, Callable, Mapping, Optional, Type, TypeVar, Union

from ._constants import RETRYABLE_OPERATION_ERRORS
from ._http import Http
from ._resource import segment
from .errors import VoidVMError
from .models import Operation, UpdatedVm, Vm, VmOperation

#: Called with the operation whenever it gets further. What can be awaited is, in an asynchronous
#: client.
OnProgress = Callable[[Operation], object]
V = TypeVar("V", Vm, UpdatedVm)

#: Seconds. An operation that somebody watches is looked at more often.
USUAL_PATIENCE = 50
WATCHED_PATIENCE = 2
#: A server that is started again is worth more patience: the operation goes on meanwhile.
RETRIES = 10


async def change(
    http: Http,
    method: str,
    path: str,
    model: Type[V],
    wait: Union[bool, float],
    on_progress: Optional[OnProgress],
    **call: Any,
) -> V:
    """A machine that is made or changed, once that is done where the caller waits."""
    vm = await http.call(method, path, model, **call)
    if not _is_wanted(wait, on_progress) or vm.operation is None:
        return vm
    await until_end(http, vm.operation, _limit(wait), on_progress)
    # What only the answer to the change says is kept.
    return model({**vm, **await http.call("GET", f"/vms/{segment(vm.id)}", Vm)})


async def act(
    http: Http,
    method: str,
    path: str,
    model: Type[VmOperation],
    wait: Union[bool, float],
    on_progress: Optional[OnProgress],
    **call: Any,
) -> VmOperation:
    """An action on a machine, at its end where the caller waits."""
    begun = await http.call(method, path, lambda data: model(data) if data else None, **call)
    if begun is None:
        begun = await _find_deletion(http, path)
    if not _is_wanted(wait, on_progress):
        return begun
    ended = await until_end(http, begun, _limit(wait), on_progress)
    is_there = ended.kind != "vm.delete"
    vm = await http.call("GET", f"/vms/{segment(ended.resource.id)}", Vm) if is_there else None
    return model({**ended, "vm": vm})


async def until_end(
    http: Http,
    operation: Union[Operation, VmOperation, str],
    timeout: Optional[float],
    on_progress: Optional[OnProgress],
) -> Operation:
    """The operation once it has succeeded. It goes on behind the time-out."""
    id, known = _begun(operation)
    deadline = time.monotonic() + (math.inf if timeout is None else timeout)
    shown: Optional[Mapping[str, Any]] = None
    while True:
        wait = 0
        if known is not None:
            state = {"status": known.status, "progress": known.progress}
            if state != shown and on_progress is not None:
                told = on_progress(known)
                if inspect.isawaitable(told):
                    await told
            shown = state
            if known.finished_at is not None:
                return _succeeded(known)
            left = deadline - time.monotonic()
            if left <= 0:
                message = f"{known.kind} has not ended in time; it goes on as {id}"
                raise VoidVMError("TIMEOUT", message, retryable=True, operation=known)
            patience = USUAL_PATIENCE if on_progress is None else WATCHED_PATIENCE
            wait = math.ceil(min(left, patience))
        known = await http.call(
            "GET",
            f"/operations/{segment(id)}",
            Operation,
            query={"wait": wait},
            patience=wait,
            retries=RETRIES,
        )


def _begun(operation: Union[Operation, VmOperation, str]) -> Any:
    if isinstance(operation, str):
        return operation, None
    return operation.id, Operation({key: value for key, value in operation.items() if key != "vm"})


def _succeeded(operation: Operation) -> Operation:
    status, error = operation.status, operation.error
    if status == "succeeded":
        return operation
    fallback = {"unknown": "OUTCOME_UNKNOWN", "cancelled": "CANCELLED"}.get(status, "HOST_ERROR")
    code = fallback if error is None else error.code
    raise VoidVMError(
        code,
        f"{operation.kind}: {status}" if error is None else error.message,
        details=f"{operation.kind} {operation.id} ended as {status}",
        request_id=operation.request_id,
        retryable=status != "unknown" and code in RETRYABLE_OPERATION_ERRORS,
        operation=operation,
    )


async def _find_deletion(http: Http, path: str) -> VmOperation:
    """The operation that deletes a machine, where the answer that told it was lost."""
    try:
        vm = await http.call("GET", path, Vm)
    except VoidVMError as error:
        if error.status != 404:
            raise
        query = {"vmId": path.rpartition("/")[2], "kind": "vm.delete", "limit": 1}
        for operation in await http.page("/operations", "operations", Operation, query):
            return VmOperation({**operation, "vm": None})
        raise
    return VmOperation({**(vm.operation or {}), "vm": vm})


def _is_wanted(wait: Union[bool, float], on_progress: Optional[OnProgress]) -> bool:
    return wait is not False or on_progress is not None


def _limit(wait: Union[bool, float]) -> Optional[float]:
    return None if isinstance(wait, bool) else wait
