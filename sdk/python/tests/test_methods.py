"""Every method once, with both clients, against the real thing."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path
from typing import Any, AsyncIterator, Callable, Dict, List, Set

import pytest

from conftest import SSH, URL, Booted
from voidvm import AsyncVoidVMClient, VoidVMClient, VoidVMError

METHODS = Path(__file__).parents[2] / "methods.json"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Caller:
    """Calls either client by a method's name, the same way, and notes which."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.called: Set[str] = set()

    async def __call__(self, method: str, /, *args: Any, **given: Any) -> Any:
        self.called.add(method)
        target = self._client
        for part in method.split("."):
            target = getattr(target, part)
        result = target(*args, **given)
        return await result if inspect.isawaitable(result) else result

    async def first(self, method: str, /, *args: Any, **given: Any) -> Any:
        """What an endless iterator begins with."""
        found = await self(method, *args, **given)
        if isinstance(found, AsyncIterator):
            async with found:
                return await found.__anext__()
        with found:
            return next(found)

    async def opened(self, method: str, /, *args: Any, **given: Any) -> bytes:
        """What a stream says first. A guest that many knock at may be out of room for a while."""
        for _ in range(30):
            try:
                stream = await self(method, *args, **given)
                break
            except VoidVMError as error:
                if not error.retryable:
                    raise
                await asyncio.sleep(1)
        read, close = stream.read(timeout=60), stream.close
        data = await read if inspect.isawaitable(read) else read
        closed = close()
        if inspect.isawaitable(closed):
            await closed
        return bytes(data)

    async def all(self, method: str, /, **given: Any) -> List[Any]:
        found = await self(method, **given)
        return [one async for one in found] if isinstance(found, AsyncIterator) else list(found)


async def walk(call: Caller, booted: str, suffix: str) -> None:
    """One after the other, as somebody would who looks at everything."""
    await call("auth.login", username="admin", password="admin123")
    await accounts(call, suffix)
    await machines(call, f"walk-{suffix}")
    await sockets(call, booted)
    await hosts_and_images(call, suffix)
    await the_system(call)
    login = await call("auth.login", {"username": "admin", "password": "admin123"})
    assert (await call("auth.refresh", refresh_token=login["refreshToken"])).user.role == "admin"
    await call("auth.logout")


async def accounts(call: Caller, suffix: str) -> None:
    assert (await call("auth.me"))["username"] == "admin"
    await call("auth.change_password", current_password="admin123", new_password="admin123")
    name = f"user-{suffix}"
    user = await call("users.create", username=name, password="correct horse", role="user")
    assert (await call("users.get", user.id)).etag == user.etag
    updated = await call("users.update", user.id, {"plan": "none"}, if_match=user.etag)
    assert updated.plan == "none"
    replaced = await call("users.replace", user.id, username=name, email="a@example.org")
    assert (replaced.plan, replaced.email) == ("free", "a@example.org")
    assert name in [one.username for one in await call("users.list", role="user", limit=100)]
    assert name in [one.username for one in await call.all("users.iterate")]
    await call("users.delete", user.id)
    assert "vm:read" in [one.name for one in (await call("permissions.list")).permissions]
    assert [one.name for one in (await call("roles.list")).roles] == ["admin", "user"]

    token = await call("tokens.create", {"name": name, "scopes": ["vm:read"]})
    assert token.token.startswith("vvm_")
    assert token.id in [one.id for one in await call("tokens.list", limit=100)]
    assert token.id in [one.id for one in await call.all("tokens.iterate")]
    await call("tokens.delete", token.id)


async def machines(call: Caller, name: str) -> None:
    progress: List[str] = []
    vm = await call(
        "vms.create",
        {"name": name, "cpu": 1, "memory": 128, "disk": 1, "labels": {"walk": name}},
        wait=True,
        on_progress=lambda operation: progress.append(operation.status),
    )
    assert (vm.status, vm["os"], progress[-1]) == ("stopped", "tiny", "succeeded")
    assert [one.id for one in await call("vms.list", label=f"walk={name}")] == [vm.id]
    assert vm.id in [one.id for one in await call.all("vms.iterate", sort="name", limit=1)]
    assert (await call("vms.get", name)).id == vm.id
    assert (await call("vms.update", vm.id, memory=144, wait=True)).requires_restart is False

    begun = await call("vms.start", vm["id"], idempotency_key=f"start-{vm.id}")
    assert (await call("vms.start", vm["id"], idempotency_key=f"start-{vm.id}")).id == begun.id
    assert (await call("operations.wait", begun.id, timeout=120)).status == "succeeded"
    assert (await call("operations.get", begun.id, wait=1)).progress.percent == 100
    assert begun.id in [one.id for one in await call("operations.list", id=[begun.id])]
    assert begun.id in [one.id for one in await call.all("operations.iterate", vm_id=vm.id)]
    for action, status in [("pause", "paused"), ("resume", "running"), ("reset", "running")]:
        assert (await call(f"vms.{action}", vm.id, wait=120)).vm.status == status
    assert (await call("vms.restart", vm.id, mode="force", wait=True)).vm.status == "running"
    # A guest that is still in its firmware ignores the power button, so this takes its time.
    stopping = await call("vms.stop", vm.id, timeout=4)
    assert (await call.first("operations.watch")).id == stopping.id
    assert (await call("operations.wait", stopping.id)).result["stoppedBy"]
    with pytest.raises(Exception, match="OPERATION_ENDED"):
        await call("operations.cancel", begun.id)
    assert (await call("vms.delete", vm.id, wait=True)).vm is None


async def sockets(call: Caller, id: str) -> None:
    """Of a machine whose guest is up."""
    assert (await call.first("vms.watch", id)).status == "running"
    assert (await call.first("events", after=0)).seq > 0
    assert (await call.first("vms.metrics", id, interval=1)).memory.total > 0
    assert (await call.first("system.monitor", interval=1)).cpu.cores > 0
    assert (await call("list_events", limit=1)).events[0].seq > 0
    assert (await call("vms.list_events", id, limit=1)).events[0].event == "vm-created"
    assert (await call.opened("vms.console", id)).startswith(b"RFB 003.00")
    assert await call.opened("vms.serial", id, view_only=True)
    assert (await call.opened("vms.tunnel", id, 22)).startswith(SSH)


async def hosts_and_images(call: Caller, suffix: str) -> None:
    name = f"host-{suffix}"
    created = await call("hosts.create", name=name)
    host = created.host
    assert created.enrolment.command
    assert (await call("hosts.create_token", host.id)).enrolment.token != created.enrolment.token
    assert (await call("hosts.get", host.id)).status == "pending"
    assert name in [one.name for one in await call("hosts.list", status="pending", limit=100)]
    assert name in [one.name for one in await call.all("hosts.iterate", schedulable=True)]
    assert (await call("hosts.update", host.id, overcommit={"cpu": 4})).overcommit.cpu == 4
    assert (await call("hosts.drain", host.id)).host.schedulable is False
    with pytest.raises(VoidVMError, match="HOST_NOT_QUARANTINED"):
        await call("hosts.release", host.id)
    with pytest.raises(VoidVMError, match="HOST_OFFLINE"):
        await call("hosts.upgrade", host.id)
    await call("hosts.delete", host.id, force=True)

    url = "https://images.example.org/a.qcow2"
    os = f"own-{suffix}"
    given = {"name": os, "url": url, "sha256": SHA256, "format": "qcow2", "os": os}
    image = await call("images.create", given)
    assert (await call("images.get", image.id)).source == "custom"
    assert [one.id for one in await call("images.list", os=os)] == [image.id]
    assert image.id in [one.id for one in await call.all("images.iterate")]
    await call("images.delete", image.id)


async def the_system(call: Caller) -> None:
    assert (await call("system.health")).status == "ok"
    assert (await call("system.info")).hosts.online >= 1
    assert (await call("system.stats", period="24h")).step_seconds > 0
    assert "voidvm_build_info" in await call("system.metrics")
    assert (await call("system.openapi"))["info"]["title"] == "VoidVM"
    config = await call("config.get")
    assert (await call("config.update", {"defaults": {"cpu": 1}})).limits == config.limits
    assert (await call("audit.list", result="succeeded"))[0].user.username == "admin"
    assert (await call("logs.list", level="info"))[0].level == "info"
    latest = (await call("logs.list", limit=2))[-1].id
    assert await call.all("logs.iterate", after=latest)
    assert len(await call.all("audit.iterate", limit=100)) > 10


def listed_methods() -> Set[str]:
    methods: List[Dict[str, str]] = json.loads(METHODS.read_text())["methods"]
    return {one["python"] for one in methods if one["python"]}


def test_every_method_of_the_blocking_client(booted: Booted) -> None:
    with VoidVMClient(URL, language="en") as client:
        call = Caller(client)
        asyncio.run(walk(call, booted.id, "blocking"))
    assert call.called == listed_methods()


def test_every_method_of_the_asynchronous_client(booted: Booted) -> None:
    async def main() -> Set[str]:
        async with AsyncVoidVMClient(URL, language="en") as client:
            call = Caller(client)
            await walk(call, booted.id, "async")
            return call.called

    assert asyncio.run(main()) == listed_methods()


def public(kind: Any) -> Dict[str, Callable[..., Any]]:
    return {
        name: value
        for name, value in inspect.getmembers(kind)
        if not name.startswith("_") and inspect.isroutine(value)
    }


def surface(client: Any) -> Dict[str, str]:
    resources = {name: one for name, one in vars(client).items() if not name.startswith("_")}
    resources = {f"{resource}.": one for resource, one in resources.items()}
    return {
        f"{prefix}{name}": str(inspect.signature(method)).partition(" -> ")[0]
        for prefix, one in {"": client, **resources}.items()
        for name, method in public(one).items()
        if prefix or name != "close"
    }


def test_both_clients_have_the_same_surface() -> None:
    blocking = surface(VoidVMClient(URL, "token"))
    assert blocking == surface(AsyncVoidVMClient(URL, "token"))
    assert set(blocking) == listed_methods()


def test_a_method_takes_what_its_route_takes() -> None:
    create: Callable[..., Any] = VoidVMClient(URL, "token").vms.create
    with pytest.raises(TypeError, match="colour"):
        create(colour="red")
