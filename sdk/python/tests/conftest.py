"""The tests run against a whole VoidVM, which `test/e2e/python-sdk.test.ts` starts.

By hand: start one with `npm start`, and `VOIDVM_URL=http://localhost:3000/api/v1 pytest`.
"""

from __future__ import annotations

import asyncio
import json
import os
import urllib.request
import uuid
from typing import Any, Awaitable, Callable, Dict, Iterator, List, TypeVar

import pytest

from voidvm import AsyncVoidVMClient, VoidVMClient

T = TypeVar("T")

URL = os.environ.get("VOIDVM_URL", "http://localhost:3000/api/v1")
LOGIN = {"username": "admin", "password": "admin123", "language": "en"}

_reports: Dict[str, Dict[str, Any]] = {}


@pytest.fixture(scope="session")
def client() -> Iterator[VoidVMClient]:
    with VoidVMClient(URL, **LOGIN) as client:
        yield client


@pytest.fixture(scope="session")
def token(client: VoidVMClient) -> str:
    return client.tokens.create(name=f"tests-{uuid.uuid4()}", scopes=["*"]).token


@pytest.fixture
def with_async_client() -> Callable[[Callable[[AsyncVoidVMClient], Awaitable[T]]], T]:
    def run(act: Callable[[AsyncVoidVMClient], Awaitable[T]]) -> T:
        async def main() -> T:
            async with AsyncVoidVMClient(URL, **LOGIN) as client:
                return await act(client)

        return asyncio.run(main())

    return run


@pytest.fixture
def tiny(client: VoidVMClient) -> Iterator[Callable[..., Any]]:
    """Makes tiny machines, and removes those that are left."""
    made: List[str] = []

    def make(name: str, **more: Any) -> Any:
        vm = client.vms.create(name=name, cpu=1, memory=128, disk=1, **more)
        made.append(vm.id)
        return vm

    yield make
    left = {vm.id for vm in client.vms.iterate()}
    for id in made:
        if id in left:
            client.vms.delete(id, force=True, wait=True)


def ask_control(path: str) -> None:
    urllib.request.urlopen(os.environ["VOIDVM_CONTROL"] + path).close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    known = _reports.get(item.nodeid)
    # What went wrong in setting up or cleaning up counts as much as the test itself.
    if report.when == "call" or report.outcome != "passed":
        if known is None or known["outcome"] == "passed":
            why = str(report.longrepr or "")
            _reports[item.nodeid] = {"outcome": report.outcome, "why": why}


def pytest_sessionfinish() -> None:
    path = os.environ.get("VOIDVM_REPORT")
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(_reports, file)
