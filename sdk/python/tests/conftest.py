"""The tests run against a whole VoidVM, which `test/e2e/python-sdk.test.ts` starts.

By hand: start one with `npm start`, and `VOIDVM_URL=http://localhost:3000/api/v1 pytest`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
import uuid
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

import pytest

from voidvm import VoidVMClient, VoidVMError
from voidvm.inputs import VmCreateCloudInit

URL = os.environ.get("VOIDVM_URL", "http://localhost:3000/api/v1")
LOGIN = {"username": "admin", "password": "admin123", "language": "en"}
SSH = b"SSH-2.0-"

_reports: Dict[str, Dict[str, Any]] = {}


@pytest.fixture(scope="session")
def client() -> Iterator[VoidVMClient]:
    with VoidVMClient(URL, **LOGIN) as client:
        yield client


@pytest.fixture(scope="session")
def token(client: VoidVMClient) -> str:
    return client.tokens.create(name=f"tests-{uuid.uuid4()}", scopes=["*"]).token


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


class Booted(NamedTuple):
    """A machine whose guest is up."""

    id: str
    #: How to log in, without the address.
    ssh: List[str]


@pytest.fixture(scope="session")
def booted(client: VoidVMClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    key = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    cloud_init: VmCreateCloudInit = {
        "user": "tester",
        "sshKeys": [key.with_suffix(".pub").read_text().strip()],
    }
    vm = client.vms.create(
        name="booted", cpu=1, memory=128, disk=1, start=True, cloud_init=cloud_init, wait=True
    )
    deadline = time.monotonic() + 120
    while True:
        try:
            with client.vms.tunnel(vm.id, 22) as tunnel:
                assert tunnel.read(8, timeout=30) == SSH
            break
        except VoidVMError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    ssh = ["ssh", "-i", str(key), "-l", "tester", "-F", "none"]
    yield Booted(vm.id, [*ssh, *(part for option in options for part in ("-o", option))])
    client.vms.delete(vm.id, force=True, wait=True)


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
