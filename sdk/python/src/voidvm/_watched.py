"""Operations, the system and events: beside what the REST API tells of them, their topics."""

from __future__ import annotations

from typing import Any, Dict, Optional

from . import _async_methods, _methods
from ._http import Http
from ._live import OnReconnect, Updates
from ._run import Drained
from ._vms import USUAL_INTERVAL
from .models import HostSample, Operation, SystemEvent


class OperationsResource(_methods.OperationsResource):
    def watch(self, *, on_reconnect: Optional[OnReconnect] = None) -> Drained[Operation]:
        """Operations that have not ended, and then each time one gets further."""
        return Drained(_operations(self._http, on_reconnect))


class AsyncOperationsResource(_async_methods.AsyncOperationsResource):
    def watch(self, *, on_reconnect: Optional[OnReconnect] = None) -> Updates[Operation]:
        """Operations that have not ended, and then each time one gets further."""
        return _operations(self._http, on_reconnect)


class SystemResource(_methods.SystemResource):
    def monitor(
        self,
        host_id: Optional[str] = None,
        *,
        interval: float = USUAL_INTERVAL,
        on_reconnect: Optional[OnReconnect] = None,
    ) -> Drained[HostSample]:
        """How busy a host is, every `interval` seconds (at least 1). Without an id: all of them."""
        return Drained(_host_samples(self._http, host_id, interval, on_reconnect))


class AsyncSystemResource(_async_methods.AsyncSystemResource):
    def monitor(
        self,
        host_id: Optional[str] = None,
        *,
        interval: float = USUAL_INTERVAL,
        on_reconnect: Optional[OnReconnect] = None,
    ) -> Updates[HostSample]:
        """How busy a host is, every `interval` seconds (at least 1). Without an id: all of them."""
        return _host_samples(self._http, host_id, interval, on_reconnect)


class EventsOfClient(_methods.ClientResource):
    def events(
        self, after: Optional[int] = None, *, on_reconnect: Optional[OnReconnect] = None
    ) -> Drained[SystemEvent]:
        """What happens from now on, or after the event with the sequence `after`.

        Each event comes once and none is left out, however often the connection breaks.
        """
        return Drained(_events(self._http, after, on_reconnect))


class AsyncEventsOfClient(_async_methods.AsyncClientResource):
    def events(
        self, after: Optional[int] = None, *, on_reconnect: Optional[OnReconnect] = None
    ) -> Updates[SystemEvent]:
        """What happens from now on, or after the event with the sequence `after`.

        Each event comes once and none is left out, however often the connection breaks.
        """
        return _events(self._http, after, on_reconnect)


def _operations(http: Http, on_reconnect: Optional[OnReconnect]) -> Updates[Operation]:
    return Updates(http, [{"topic": "operations"}], "operation", Operation, on_reconnect)


def _host_samples(
    http: Http, host_id: Optional[str], interval: float, on_reconnect: Optional[OnReconnect]
) -> Updates[HostSample]:
    topic: Dict[str, Any] = {"topic": "system-monitor", "interval": round(interval * 1000)}
    if host_id is not None:
        topic["hostId"] = host_id
    return Updates(http, [topic], "system-monitor", HostSample, on_reconnect)


def _events(
    http: Http, after: Optional[int], on_reconnect: Optional[OnReconnect]
) -> Updates[SystemEvent]:
    topics = [{"topic": "events"}]
    return Updates(http, topics, "system-event", SystemEvent, on_reconnect, after)
