"""Kubernetes Events about Applications: recorded beside the work, never in its way."""

import asyncio
from datetime import datetime

import msgspec

from kubegrammar.time import format_time
from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError
from trueup.model.live import LiveObject
from trueup.runtime.logger import Logger
from trueup.runtime.secrecy import told

log = Logger("trueup.events")
COMPONENT = "trueup"
LONGEST_MESSAGE = 1024


class Recorder:
    """Sends Events from a bounded queue: when the API server is slow the newest are dropped, not the work."""

    def __init__(self, client: Client, events: ResourceType, capacity: int = 1000) -> None:
        self._client = client
        self._events = events
        self._queue: asyncio.Queue[tuple[str, dict[str, object]]] = asyncio.Queue(capacity)
        self._dropped = 0

    def record(self, about: LiveObject, reason: str, message: str, *, now: datetime, warning: bool = False) -> None:
        """Queue one Event about an object."""
        when = format_time(now)
        body: dict[str, object] = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{about.key.name}.", "namespace": about.key.namespace},
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.key.kind,
                "namespace": about.key.namespace,
                "name": about.key.name,
                "uid": about.uid,
                "resourceVersion": about.resource_version,
            },
            "reason": reason,
            "message": told(message)[:LONGEST_MESSAGE],
            "type": "Warning" if warning else "Normal",
            "source": {"component": COMPONENT},
            "firstTimestamp": when,
            "lastTimestamp": when,
            "count": 1,
            "reportingComponent": COMPONENT,
            "reportingInstance": "",
        }
        try:
            self._queue.put_nowait((about.key.namespace, body))
        except asyncio.QueueFull:
            self._dropped += 1
            if self._dropped == 1:
                log.warning("events dropped", application=about.key.name, reason=reason)
        else:
            if self._dropped > 1:
                log.warning("events dropped", events=self._dropped)
            self._dropped = 0

    async def run(self) -> None:
        """Send until cancelled. An Event that is refused is logged and forgotten."""
        while True:
            namespace, body = await self._queue.get()
            try:
                await self._client.create(self._events, namespace, msgspec.json.encode(body))
            except ApiError as error:
                log.warning("event not recorded", namespace=namespace, error=str(error))
