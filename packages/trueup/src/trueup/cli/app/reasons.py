"""Why objects do not work: what their Pods say, and the last warnings about them. Read live, when somebody asks."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.children import ResourceNode, tree_of
from trueup.cli.app.destination import destination_of
from trueup.cli.app.summary import ILL
from trueup.cli.connect import ClusterAccess, asking
from trueup.cli.duration import age
from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import Forbidden
from trueup.model.pod_reasons import pod_reasons
from trueup.model.resource import GroupKind
from trueup.runtime.clock import SystemClock

_EVENT = ResourceType("", "v1", "Event", "events", namespaced=True)
_POD = GroupKind("", "Pod")
_LONG = 400
_OBJECTS, _EVENTS = 12, 3
"""Objects whose Events are asked for, and Events told of each."""


class Reason(msgspec.Struct, frozen=True):
    """What is the matter with one object, as lines."""

    of: str
    lines: tuple[str, ...]


async def reasons(access: ClusterAccess, view: ApplicationView) -> list[Reason]:
    """Of the objects that are Degraded or Progressing, and of what they have made; what may not be read is left out.

    Raises:
        ApiError: the cluster does not answer.
    """
    ill = [each for each in view.status.resources if each.health and each.health.status in ILL]
    if not ill:
        return []
    config = await destination_of(access, view.app)
    tree = await tree_of(config, ill)
    nodes = [node for node in tree.nodes() if node.health in ILL or not node.health][:_OBJECTS]
    async with asking(config) as client:
        events = await asyncio.gather(*(_warnings(client, node) for node in nodes))
    found = []
    for node, warnings in zip(nodes, events, strict=True):
        pod = tree.whole.get(node.uid) if GroupKind(node.key.group, node.key.kind) == _POD else None
        told = pod_reasons(pod.object()) if pod else [node.message] if node.message else []
        lines = list(dict.fromkeys((*told, *warnings)))
        if lines:
            found.append(Reason(f"{node.key.kind}/{node.key.name}", tuple(line[:_LONG] for line in lines)))
    return found


async def _warnings(client: Client, node: ResourceNode) -> list[str]:
    if not node.key.namespace or not node.uid:
        return []
    selector = f"involvedObject.uid={node.uid},type=Warning"
    try:
        body = await client.request("GET", _EVENT.path(node.key.namespace), params={"fieldSelector": selector})
    except Forbidden:
        return []
    return event_lines(msgspec.json.decode(body).get("items") or [])


def event_lines(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """The latest Events, newest first. Pure but for the clock."""
    now = SystemClock().now()

    def seen(event: Mapping[str, Any]) -> str:
        series = event.get("series") or {}
        metadata = event.get("metadata") or {}
        return str(
            series.get("lastObservedTime")
            or event.get("lastTimestamp")
            or event.get("eventTime")
            or metadata.get("creationTimestamp")
            or ""
        )

    lines = []
    for event in sorted(events, key=seen, reverse=True)[:_EVENTS]:
        count = (event.get("series") or {}).get("count") or event.get("count") or 1
        often = f", {count} times" if count > 1 else ""
        ago = age(seen(event), now)
        lines.append(
            f"{event.get('reason', '')} ({f'{ago} ago' if ago else 'once'}{often}): {event.get('message', '')}"
        )
    return lines
