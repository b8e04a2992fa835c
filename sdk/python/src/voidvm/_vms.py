"""Machines: beside what the REST API does with them, their sockets."""

from __future__ import annotations

from typing import List, Optional, Sequence, Union

from . import _async_methods, _methods
from ._blocking_stream import ConsoleStream, SerialStream, Stream
from ._http import Http
from ._live import OnReconnect, Topic, Updates
from ._run import Drained, run
from ._stream import AsyncConsoleStream, AsyncSerialStream, AsyncStream, Opening
from ._streams_of_vms import open_serial, open_stream
from .models import VmSample, VmStatusMessage

#: Seconds.
USUAL_INTERVAL = 5.0


class VmsResource(_methods.VmsResource):
    def watch(
        self, id: Optional[str] = None, *, on_reconnect: Optional[OnReconnect] = None
    ) -> Drained[VmStatusMessage]:
        """A machine's status as it is, and then each time it changes. Without `id`: of all."""
        return Drained(_statuses(self._http, id, on_reconnect))

    def metrics(
        self,
        ids: Union[str, Sequence[str]],
        *,
        interval: float = USUAL_INTERVAL,
        on_reconnect: Optional[OnReconnect] = None,
    ) -> Drained[VmSample]:
        """How busy machines are, every `interval` seconds (at least 1). At most 100 machines."""
        return Drained(_samples(self._http, ids, interval, on_reconnect))

    def console(self, id: str, *, view_only: bool = False) -> ConsoleStream:
        """The machine's screen, as the bytes of VNC's protocol (RFB)."""
        query = {"viewOnly": view_only}
        opening = open_stream(self._http, AsyncConsoleStream, id, "console/vnc", query)
        return ConsoleStream(run(opening))

    def serial(
        self, id: str, *, view_only: bool = False, take_over: bool = False
    ) -> SerialStream:
        """The machine's serial console, beginning with what it said before.

        One at a time may write: who comes later reads, unless it says `take_over`.
        """
        return SerialStream(run(open_serial(self._http, id, view_only, take_over)))

    def tunnel(self, id: str, port: int) -> Stream:
        """A TCP connection to a port of the guest."""
        query = {"port": port}
        return Stream(run(open_stream(self._http, AsyncStream, id, "tunnel/ticket", query)))


class AsyncVmsResource(_async_methods.AsyncVmsResource):
    def watch(
        self, id: Optional[str] = None, *, on_reconnect: Optional[OnReconnect] = None
    ) -> Updates[VmStatusMessage]:
        """A machine's status as it is, and then each time it changes. Without `id`: of all."""
        return _statuses(self._http, id, on_reconnect)

    def metrics(
        self,
        ids: Union[str, Sequence[str]],
        *,
        interval: float = USUAL_INTERVAL,
        on_reconnect: Optional[OnReconnect] = None,
    ) -> Updates[VmSample]:
        """How busy machines are, every `interval` seconds (at least 1). At most 100 machines."""
        return _samples(self._http, ids, interval, on_reconnect)

    def console(self, id: str, *, view_only: bool = False) -> Opening[AsyncConsoleStream]:
        """The machine's screen, as the bytes of VNC's protocol (RFB)."""
        query = {"viewOnly": view_only}
        return Opening(
            lambda: open_stream(self._http, AsyncConsoleStream, id, "console/vnc", query)
        )

    def serial(
        self, id: str, *, view_only: bool = False, take_over: bool = False
    ) -> Opening[AsyncSerialStream]:
        """The machine's serial console, beginning with what it said before.

        One at a time may write: who comes later reads, unless it says `take_over`.
        """
        return Opening(lambda: open_serial(self._http, id, view_only, take_over))

    def tunnel(self, id: str, port: int) -> Opening[AsyncStream]:
        """A TCP connection to a port of the guest."""
        query = {"port": port}
        return Opening(lambda: open_stream(self._http, AsyncStream, id, "tunnel/ticket", query))


def _statuses(
    http: Http, id: Optional[str], on_reconnect: Optional[OnReconnect]
) -> Updates[VmStatusMessage]:
    topic: Topic = {"topic": "vm-status-all"}
    if id is not None:
        topic = {"topic": "vm-status", "vmId": id}
    return Updates(http, [topic], "vm-status", VmStatusMessage, on_reconnect)


def _samples(
    http: Http,
    ids: Union[str, Sequence[str]],
    interval: float,
    on_reconnect: Optional[OnReconnect],
) -> Updates[VmSample]:
    names: List[str] = [ids] if isinstance(ids, str) else list(ids)
    milliseconds = round(interval * 1000)
    topics = [{"topic": "vm-metrics", "vmId": name, "interval": milliseconds} for name in names]
    return Updates(http, topics, "vm-metrics", VmSample, on_reconnect)
