"""What containers have logged, straight from Kubernetes."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.destination import destination_of
from trueup.cli.app.logs import LogWish
from trueup.cli.app.pods import POD, pods_of
from trueup.cli.connect import ClusterAccess, asking
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.kube.errors import ApiError, BadRequest
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.pod_reasons import STARTING, pod_reasons
from trueup.model.resource import ResourceKey

_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_MOST = 50
"""Containers that are read at one time."""


class LogSource(NamedTuple):
    """A container whose log is read.

    Attributes:
        idle: why it does not run; empty where it does, or has ended.
        placed: its Pod is on a node.
    """

    pod: ResourceKey
    container: str
    idle: str
    placed: bool


async def print_logs(access: ClusterAccess, view: ApplicationView, wish: LogWish) -> None:
    """Print what the Pods of an application have logged, read from the cluster that it goes to.

    Raises:
        TrueupError: there are no such Pods, or none has a log.
    """
    name = view.app.metadata.name
    async with asking(await destination_of(access, view.app)) as client:
        declared = (ResourceKey(r.group, r.kind, r.namespace, r.name) for r in view.status.resources)
        pods = [each.pod for each in await pods_of(client, declared) if any(map(wish.meant, each.keys))]
        if not pods:
            raise TrueupError(
                f"application '{name}' has no such Pods", hint=f"`trueup app resources {name}` lists what it has"
            )
        await _print(client, name, pods, wish)


async def _print(client: Client, name: str, pods: list[LiveObject], wish: LogWish) -> None:
    sources = [source for pod in pods for source in _sources(pod, wish)]
    if not sources:
        raise TrueupError(f"no Pod has a container {wish.container!r}", hint="leave --container out for all of them")
    if len(sources) > _MOST:
        raise TrueupError(f"{len(sources)} containers are too many at once", hint="--kind and --name narrow them")
    several = len(sources) > 1

    async def one(source: LogSource) -> bool:
        """Whether it has a log, be it empty."""
        place = f"{source.pod.name}/{source.container}"
        try:
            found = await _read(client, source, wish, f"[{place}] " if several else "")
        except ApiError as error:
            waits = source.idle and isinstance(error, BadRequest) and not wish.previous
            say(f"warning: {place}: {source.idle if waits else error.message}", err=True)
            return False
        if source.idle:
            say(f"warning: {place}: {source.idle}", err=True)
        elif not found and not source.placed:
            say(f"warning: {place}: its Pod is on no node, where a log would be", err=True)
        return found or (not source.idle and source.placed)

    if wish.follow:
        read = await asyncio.gather(*(one(source) for source in sources))
    else:
        read = [await one(source) for source in sources]
    if not any(read):
        raise TrueupError(
            f"application '{name}' has no such log yet",
            hint=f"`trueup app get {name}` shows what does not work, and why",
        )


def _sources(pod: LiveObject, wish: LogWish) -> list[LogSource]:
    body = pod.object()
    spec = body.get("spec") or {}
    names = [each["name"] for each in spec.get("containers") or []]
    if wish.container:
        others = [each["name"] for each in spec.get("initContainers") or []]
        names = [name for name in (*names, *others) if name == wish.container]
    return [LogSource(pod.key, name, idle(body, name), bool(spec.get("nodeName"))) for name in names]


def idle(pod: Mapping[str, Any], container: str) -> str:
    """Why a container does not run; empty where it does, or has ended. Pure."""
    status = pod.get("status") or {}
    known = [each for field in _STATUSES for each in status.get(field) or [] if each.get("name") == container]
    state = (known[0].get("state") or {}) if known else {}
    waiting = state.get("waiting")
    if state and waiting is None:
        return ""
    reason, message = (waiting or {}).get("reason") or "", (waiting or {}).get("message") or ""
    if reason and reason not in STARTING:
        return f"waiting: {reason}{f': {message.strip()}' if message else ''}"
    # Its turn comes after what the Pod waits for.
    others = "; ".join(pod_reasons(pod))
    return f"waiting to start: {others or reason or status.get('phase') or 'Pending'}"


async def _read(client: Client, source: LogSource, wish: LogWish, head: str) -> bool:
    """Print a log; whether there was anything in it."""
    key = source.pod
    path = POD.path(key.namespace, key.name, "log")
    stream = await client.open_stream(path, wish.parameters(source.container), f"log of {key}")
    rest, found = b"", False
    try:
        while chunk := await stream.read():
            found = True
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                _line(line, wish, head)
    finally:
        stream.close()
    if rest:
        _line(rest, wish, head)
    return found


def _line(line: bytes, wish: LogWish, head: str) -> None:
    text = line.decode("utf-8", "replace").rstrip("\r")
    if wish.takes(text):
        say(f"{head}{text}")
