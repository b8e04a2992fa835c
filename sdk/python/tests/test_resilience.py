"""Lost answers, limits and overload, sessions that end, and calls that are given up."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List

import pytest

from conftest import LOGIN, URL
from proxy import Proxy, Rule, Seen
from voidvm import AsyncVoidVMClient, Retry, VoidVMClient, VoidVMError

SIZE: Any = {"cpu": 1, "memory": 128, "disk": 1}


def first(method: str, path: str, what: object) -> Rule:
    """Something that happens to the first request of a kind."""

    def rule(seen: Seen, nth: int) -> object:
        return what if seen[:2] == (method, f"/api/v1{path}") and nth == 0 else None

    return rule


def refusal(status: int, code: str, retry_after: str) -> object:
    error = {"code": code, "message": "later", "details": ""}
    text = json.dumps({"success": False, "error": error}).encode()
    return status, [("Content-Type", "application/json"), ("Retry-After", retry_after)], text


def test_a_creation_whose_answer_was_lost_makes_one_machine(client: VoidVMClient) -> None:
    with Proxy(URL, first("POST", "/vms", "lose")) as proxy:
        with VoidVMClient(proxy.url, **LOGIN) as unlucky:
            vm = unlucky.vms.create({"name": "lost-answer", **SIZE}, wait=True)
    tries = [seen for seen in proxy.seen if seen.method == "POST" and seen.path == "/api/v1/vms"]
    assert len(tries) == 2 and len({seen.key for seen in tries}) == 1
    assert [one.id for one in client.vms.list(search="lost-answer")] == [vm.id]
    client.vms.delete(vm.id, wait=True)


def test_an_asynchronous_creation_whose_answer_was_lost_makes_one_machine(
    client: VoidVMClient,
) -> None:
    async def create(url: str) -> str:
        async with AsyncVoidVMClient(url, **LOGIN) as unlucky:
            return (await unlucky.vms.create({"name": "lost-async", **SIZE}, wait=True)).id

    with Proxy(URL, first("POST", "/vms", "lose")) as proxy:
        id = asyncio.run(create(proxy.url))
    assert [one.id for one in client.vms.list(search="lost-async")] == [id]
    client.vms.delete(id, wait=True)


def test_a_deletion_whose_answer_was_lost_has_happened(
    client: VoidVMClient, tiny: Callable[..., Any]
) -> None:
    vm = tiny("lost-deletion", wait=True)
    with Proxy(URL, first("DELETE", f"/vms/{vm.id}", "lose")) as proxy:
        with VoidVMClient(proxy.url, **LOGIN) as unlucky:
            deleted = unlucky.vms.delete(vm.id, wait=True)
    assert (deleted.kind, deleted.status, deleted.vm) == ("vm.delete", "succeeded", None)
    with pytest.raises(VoidVMError, match="VM_NOT_FOUND"):
        client.vms.get(vm.id)


def test_a_change_whose_answer_was_lost_is_not_repeated(client: VoidVMClient) -> None:
    host = client.hosts.list()[0]
    with Proxy(URL, first("PATCH", f"/hosts/{host.id}", "lose")) as proxy:
        with VoidVMClient(proxy.url, **LOGIN) as unlucky:
            with pytest.raises(VoidVMError) as raised:
                unlucky.hosts.update(host.id, labels={"zone": "a"})
    assert (raised.value.code, raised.value.status) == ("NETWORK_ERROR", None)
    assert client.hosts.get(host.id).labels == {"zone": "a"}


@pytest.mark.parametrize("status, code", [(429, "RATE_LIMITED"), (503, "UNAVAILABLE")])
def test_what_the_server_is_too_busy_for_is_waited_out(status: int, code: str) -> None:
    retries: List[Retry] = []
    busy = first("PATCH", "/hosts/none", refusal(status, code, "1"))
    with Proxy(URL, busy) as proxy:
        with VoidVMClient(proxy.url, on_retry=retries.append, **LOGIN) as client:
            began = time.monotonic()
            with pytest.raises(VoidVMError, match="HOST_NOT_FOUND"):
                client.hosts.update("none", schedulable=True)
            assert time.monotonic() - began >= 1
    assert [retry.error.code for retry in retries] == [code]
    assert retries[0].delay >= 1


def test_who_has_to_wait_too_long_is_told(client: VoidVMClient) -> None:
    with Proxy(URL, first("GET", "/vms", refusal(429, "RATE_LIMITED", "3600"))) as proxy:
        with VoidVMClient(proxy.url, **LOGIN) as limited, pytest.raises(VoidVMError) as raised:
            limited.vms.list()
    assert (raised.value.retry_after, raised.value.retryable) == (3600, True)


def test_what_is_no_voidvm_is_told() -> None:
    page = (200, [("Content-Type", "text/html")], b"<html>")
    with Proxy(URL, first("GET", "/vms", page)) as proxy:
        with VoidVMClient(proxy.url, **LOGIN) as client:
            with pytest.raises(VoidVMError, match="INVALID_RESPONSE: HTTP 200 .* right"):
                client.vms.list()


def test_a_server_that_is_not_there_is_told() -> None:
    with VoidVMClient("http://127.0.0.1:9/api/v1", "token", retries=1) as client:
        with pytest.raises(VoidVMError) as raised:
            client.vms.list()
    assert (raised.value.code, raised.value.retryable) == ("NETWORK_ERROR", True)


def test_an_expired_token_is_renewed_once_for_all_threads() -> None:
    used: List[str] = []
    all_refused = threading.Barrier(4, timeout=30)

    def rule(seen: Seen, nth: int) -> object:
        name = seen.path.rpartition("/")[2]
        if name in ("login", "refresh"):
            used.append(name)
        if nth > 0 or not name.startswith("operations"):
            return None
        all_refused.wait()
        return refusal(401, "TOKEN_EXPIRED", "0")

    with Proxy(URL, rule) as proxy, VoidVMClient(proxy.url, **LOGIN) as client:
        client.auth.me()
        with ThreadPoolExecutor(4) as pool:
            pages = list(pool.map(lambda limit: client.operations.list(limit=limit), range(1, 5)))
    assert [page.pagination.limit for page in pages] == [1, 2, 3, 4]
    assert used == ["login", "refresh"]


def test_a_session_goes_on_with_its_refresh_token() -> None:
    logins: List[Any] = []
    with VoidVMClient(URL, on_login=logins.append, **LOGIN) as first_client:
        first_client.auth.me()
    with VoidVMClient(URL, refresh_token=logins[0].refresh_token, on_login=logins.append) as second:
        assert second.auth.me().username == "admin"
        assert len(logins) == 2
        second.auth.logout()
        with pytest.raises(VoidVMError) as raised:
            second.vms.list()
    assert raised.value.status == 401


def test_a_wrong_password_is_told_at_the_first_call() -> None:
    with VoidVMClient(URL, username="admin", password="wrong") as client:
        with pytest.raises(VoidVMError, match="INVALID_CREDENTIALS"):
            client.vms.list()


def test_a_wait_ends_in_time_and_the_operation_goes_on(
    client: VoidVMClient, tiny: Callable[..., Any]
) -> None:
    vm = tiny("patience", start=True, wait=True)
    with pytest.raises(VoidVMError) as raised:
        # A guest in its firmware ignores the power button.
        client.vms.stop(vm.id, timeout=5, wait=0.5)
    assert raised.value.code == "TIMEOUT"
    assert raised.value.operation is not None
    ended = client.operations.wait(raised.value.operation.id)
    assert (ended.kind, ended.status) == ("vm.stop", "succeeded")


def test_a_cancelled_wait_ends_at_once(tiny: Callable[..., Any]) -> None:
    vm = tiny("cancelled", start=True, wait=True)

    async def main() -> None:
        async with AsyncVoidVMClient(URL, **LOGIN) as client:
            task = asyncio.create_task(client.vms.stop(vm.id, timeout=3, wait=True))
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # The client is as good as before.
            assert (await client.vms.get(vm.id)).name == "cancelled"

    asyncio.run(main())


def test_an_answer_that_does_not_come_in_time_is_told() -> None:
    with VoidVMClient(URL, timeout=0.000001, retries=0, **LOGIN) as client:
        with pytest.raises(VoidVMError) as raised:
            client.vms.list()
    assert (raised.value.code, raised.value.retryable) == ("TIMEOUT", True)
