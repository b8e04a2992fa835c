"""Events over an edge that is started again, and streams that one reads while another writes."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
import time
from typing import Any, Callable, Iterator, List, Tuple

import pytest

from conftest import LOGIN, SSH, URL, Booted, ask_control
from voidvm import AsyncVoidVMClient, VoidVMClient, VoidVMError
from voidvm._run import run
from voidvm.models import SystemEvent


def everything(client: VoidVMClient, after: int) -> List[Tuple[int, str]]:
    """What the REST API says that happened."""
    events: List[SystemEvent] = []
    while True:
        page = client.list_events(after=after, limit=1000)
        events += page.events
        after = page.after
        if not page.more:
            return [(event.seq, event.event) for event in events]


def position(client: VoidVMClient) -> int:
    return max([seq for seq, _ in everything(client, 0)], default=0)


def test_events_have_no_gap_over_a_restart_of_the_edge(
    client: VoidVMClient, tiny: Callable[..., Any]
) -> None:
    """The blocking and the asynchronous iterator side by side, through the same restart."""
    began = position(client)
    names = ["before-the-restart", "after-the-restart"]
    losses: List[VoidVMError] = []
    both_listen = threading.Semaphore(0)

    def follow() -> List[SystemEvent]:
        seen: List[SystemEvent] = []
        with VoidVMClient(URL, **LOGIN) as other:
            with other.events(after=began, on_reconnect=losses.append) as events:
                for event in events:
                    seen.append(event)
                    if is_created(event, names[0]):
                        both_listen.release()
                    if is_created(event, names[1]):
                        return seen
        return seen

    async def follow_async() -> List[SystemEvent]:
        seen: List[SystemEvent] = []
        async with AsyncVoidVMClient(URL, **LOGIN) as other:
            async with other.events(began, on_reconnect=losses.append) as events:
                async for event in events:
                    seen.append(event)
                    if is_created(event, names[0]):
                        both_listen.release()
                    if is_created(event, names[1]):
                        break
        return seen

    results: List[List[SystemEvent]] = []
    threads = [
        threading.Thread(target=lambda: results.append(follow())),
        threading.Thread(target=lambda: results.append(asyncio.run(follow_async()))),
    ]
    for thread in threads:
        thread.start()
    tiny(names[0], wait=True)
    assert both_listen.acquire(timeout=60) and both_listen.acquire(timeout=60)

    ask_control("/kill/edge")
    tiny(names[1], wait=True)
    for thread in threads:
        thread.join(120)

    assert len(losses) >= 2
    happened = everything(client, began)
    for seen in results:
        told = [(event.seq, event.event) for event in seen]
        assert told == happened[: len(told)]
    assert len(results) == 2


def is_created(event: SystemEvent, name: str) -> bool:
    return event.event == "vm-created" and event.data["name"] == name


def test_events_begin_where_they_are_subscribed_to(
    client: VoidVMClient, tiny: Callable[..., Any]
) -> None:
    tiny("long-ago", wait=True)
    began = position(client)
    with client.events() as events:
        # The subscription stands once something waits for it.
        thread, found = in_background(lambda: next(events))
        while thread.is_alive():
            client.images.delete(an_image(client).id)
            time.sleep(0.2)
    assert found[0].seq > began


def an_image(client: VoidVMClient) -> Any:
    return client.images.create(
        name="an event",
        url="https://images.example.org/a.qcow2",
        sha256="0" * 64,
        format="raw",
        os="an-event",
    )


def in_background(act: Callable[[], Any]) -> Tuple[threading.Thread, List[Any]]:
    results: List[Any] = []
    thread = threading.Thread(target=lambda: results.append(act()))
    thread.start()
    return thread, results


def test_what_is_too_old_is_told(client: VoidVMClient) -> None:
    with client.events(after=2**50) as events, pytest.raises(VoidVMError, match="EVENTS_EXPIRED"):
        next(events)


def test_an_iterator_that_is_closed_ends_for_who_waits_for_it(client: VoidVMClient) -> None:
    updates = client.vms.watch()
    thread, found = in_background(lambda: list(updates))
    time.sleep(1)
    updates.close()
    thread.join(10)
    assert not thread.is_alive() and len(found) == 1


def test_a_watched_machine_is_told_as_it_is_and_as_it_changes(
    client: VoidVMClient, tiny: Callable[..., Any]
) -> None:
    vm = tiny("watched", wait=True)
    with client.vms.watch(vm.id) as updates:
        assert next(updates).status == "stopped"
        client.vms.start(vm.id)
        assert [status for status in until(updates, "running")][-1] == "running"


def until(updates: Iterator[Any], status: str) -> Iterator[str]:
    for update in updates:
        yield update.status
        if update.status == status:
            return


def test_a_tunnel_carries_bytes_both_ways_at_once(client: VoidVMClient, booted: Booted) -> None:
    """More than a side may send before it is granted more, through ssh and a port of this side."""
    sent = os.urandom(1_500_000)
    with socket.create_server(("127.0.0.1", 0)) as server:
        ssh = subprocess.Popen(
            [*booted.ssh, "-p", str(server.getsockname()[1]), "127.0.0.1", "cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        connection, _ = server.accept()
        with connection, client.vms.tunnel(booted.id, 22) as tunnel:
            to_guest, _ = in_background(lambda: copy(lambda: connection.recv(65_536), tunnel.write))
            from_guest, _ = in_background(lambda: copy(tunnel.read, connection.sendall))
            received, _ = ssh.communicate(sent, timeout=120)
            for thread in (to_guest, from_guest):
                thread.join(30)
    assert ssh.returncode == 0
    assert received == sent


def copy(read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
    while True:
        data = read()
        if not data:
            return
        write(data)


def test_an_asynchronous_tunnel_does_too(booted: Booted) -> None:
    async def main() -> Tuple[bytes, bytes]:
        async with AsyncVoidVMClient(URL, **LOGIN) as client:
            async with client.vms.tunnel(booted.id, 22) as tunnel:
                greeting = await tunnel.read(8, timeout=30)
                await tunnel.write(b"no ssh\r\n")
                return greeting, b"".join([data async for data in tunnel])

    greeting, rest = asyncio.run(main())
    assert greeting == SSH and b"dropbear" in rest


def test_a_port_on_which_nothing_listens_is_told(client: VoidVMClient, booted: Booted) -> None:
    with pytest.raises(VoidVMError, match="PORT_CLOSED"):
        client.vms.tunnel(booted.id, 9)


def test_a_machine_that_is_not_there_has_no_console(client: VoidVMClient) -> None:
    with pytest.raises(VoidVMError) as raised:
        client.vms.console("nobody")
    assert (raised.value.code, raised.value.status) == ("VM_NOT_FOUND", 404)


def test_a_screen_speaks_rfb(client: VoidVMClient, booted: Booted) -> None:
    with client.vms.console(booted.id) as console:
        assert console.read(12, timeout=30) == b"RFB 003.008\n"
        console.write(b"RFB 003.008\n")
        assert console.read(2, timeout=30) == b"\x01\x01"


def test_a_read_that_nothing_comes_for_ends_in_time(client: VoidVMClient, booted: Booted) -> None:
    with client.vms.console(booted.id) as console:
        console.read(12, timeout=30)
        with pytest.raises(VoidVMError, match="TIMEOUT"):
            console.read(timeout=0.2)


def test_a_cancelled_read_leaves_the_stream_as_it_was(booted: Booted) -> None:
    async def main() -> bytes:
        async with AsyncVoidVMClient(URL, **LOGIN) as client:
            console = await client.vms.console(booted.id)
            await console.read(12, timeout=30)
            reading = asyncio.create_task(console.read())
            await asyncio.sleep(0.2)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await console.write(b"RFB 003.008\n")
            data = await console.read(timeout=30)
            await console.close()
            return data

    assert asyncio.run(main()).startswith(b"\x01")


def test_a_coroutine_that_needs_an_event_loop_is_not_run_without() -> None:
    with pytest.raises(RuntimeError):
        run(asyncio.sleep(0.01))
