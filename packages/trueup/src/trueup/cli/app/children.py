"""What the objects of an application have made: ReplicaSets, Pods, whatever their controllers own, read live.

Metadata alone is asked of all kinds, since nobody knows which a controller makes; whole objects only of those kinds
that were found. Values of Secrets are never asked for.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trueup import health
from trueup.cli.connect import asking
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import ApiError, Forbidden
from trueup.kube.object import read_object
from trueup.kube.parameters import PARTIAL_LIST
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import ResourceStatus

_PAGE = 500
_LEFT_OUT = frozenset(
    (
        GroupKind("", "Event"),
        GroupKind("events.k8s.io", "Event"),
        GroupKind("coordination.k8s.io", "Lease"),
        GroupKind("metrics.k8s.io", "PodMetrics"),
    )
)
"""Kinds of many objects that nobody owns."""


class ResourceNode(msgspec.Struct, frozen=True, kw_only=True):
    """An object of an application, or what such an object has made.

    Attributes:
        status: its sync status; empty for what was made by others.
        health: empty where its kind has none, with the reason in ``message``.
        created: RFC 3339; empty where the object is not there.
        children: what it owns.
    """

    key: ResourceKey
    uid: str = ""
    status: str = ""
    health: str = ""
    message: str = ""
    created: str = ""
    children: tuple["ResourceNode", ...] = ()

    def all(self) -> list["ResourceNode"]:
        """It, and all below it."""
        return [self, *(each for child in self.children for each in child.all())]


class ResourceTree(msgspec.Struct, frozen=True):
    """An application's objects with what they have made.

    Attributes:
        unread: kinds that the user may not list.
        whole: objects by their uid, of the kinds that have a health.
    """

    roots: tuple[ResourceNode, ...]
    unread: tuple[str, ...] = ()
    whole: Mapping[str, LiveObject] = {}

    def nodes(self) -> list[ResourceNode]:
        """All of them, each before what it owns."""
        return [each for root in self.roots for each in root.all()]


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] | None = None
    metadata: dict[str, Any] = {}


async def tree_of(config: ClusterConfig, resources: Iterable[ResourceStatus]) -> ResourceTree:
    """The tree of an application on the cluster that it is deployed to.

    Raises:
        ApiError: the cluster does not answer.
    """
    declared = list(resources)
    async with asking(config) as client:
        found = await surroundings(client, {each.namespace for each in declared if each.namespace})
        wanted = [ResourceKey(each.group, each.kind, each.namespace, each.name) for each in declared]
        whole = await found.whole(client, wanted)
    return ResourceTree(grown(declared, found.heads, whole), found.unread, whole)


class NamespaceContents(msgspec.Struct, frozen=True):
    """All objects of some namespaces.

    Attributes:
        heads: their metadata.
        unread: kinds that the user may not list.
    """

    discovery: Discovery
    namespaces: set[str]
    heads: list[LiveObject]
    unread: tuple[str, ...]

    async def whole(self, client: Client, wanted: Iterable[ResourceKey]) -> dict[str, LiveObject]:
        """By their uid, some objects and what they have made, of the kinds that have a health."""
        keys = set(wanted)
        kinds = {GroupKind(key.group, key.kind) for key in keys}
        kinds |= {live.group_kind for live in _descendants(self.heads, keys)}
        return await _whole(client, self.discovery, self.namespaces, kinds)


async def surroundings(client: Client, namespaces: set[str]) -> NamespaceContents:
    """What there is in some namespaces.

    Raises:
        ApiError: the cluster does not answer.
    """
    discovery = Discovery(client)
    await discovery.refresh()
    heads, unread = await _metadata(client, discovery, namespaces)
    return NamespaceContents(discovery, namespaces, heads, unread)


def grown(
    declared: Iterable[ResourceStatus], heads: Iterable[LiveObject], whole: Mapping[str, LiveObject]
) -> tuple[ResourceNode, ...]:
    """Objects with what they own, in the order of their names. Pure.

    Args:
        heads: the metadata of what there is.
        whole: objects by their uid, for their health.
    """
    statuses = {ResourceKey(each.group, each.kind, each.namespace, each.name): each for each in declared}
    heads = list(heads)
    by_key = {live.key: live for live in heads}
    owned: dict[str, list[LiveObject]] = {}
    for live in heads:
        for owner in live.owners:
            owned.setdefault(owner.uid, []).append(live)
    # Each is shown once, however many own it: owners may form rings.
    shown = {live.uid for key, live in by_key.items() if key in statuses}

    def below(live: LiveObject) -> tuple[ResourceNode, ...]:
        found = [each for each in owned.get(live.uid, ()) if live.uid and each.uid not in shown]
        shown.update(each.uid for each in found)
        return tuple(made(each) for each in sorted(found, key=lambda each: each.key))

    def made(live: LiveObject) -> ResourceNode:
        judged = health.assess(whole[live.uid]) if live.uid in whole else None
        return ResourceNode(
            key=live.key,
            uid=live.uid,
            health=str(judged.status) if judged else "",
            message=judged.message if judged else "",
            created=live.creation_timestamp,
            children=below(live),
        )

    def declared_one(key: ResourceKey, status: ResourceStatus) -> ResourceNode:
        live = by_key.get(key)
        told = status.health
        judged = health.assess(whole[live.uid]) if told is None and live and live.uid in whole else None
        return ResourceNode(
            key=key,
            uid=live.uid if live else "",
            status=status.status,
            health=told.status if told else str(judged.status) if judged else "",
            message=told.message if told else judged.message if judged else "",
            created=live.creation_timestamp if live else "",
            children=below(live) if live else (),
        )

    return tuple(declared_one(key, status) for key, status in statuses.items())


def _descendants(heads: Iterable[LiveObject], wanted: set[ResourceKey]) -> list[LiveObject]:
    heads = list(heads)
    known = {live.uid for live in heads if live.key in wanted}
    found: dict[str, LiveObject] = {}
    grew = True
    while grew:
        more = {live.uid: live for live in heads if any(owner.uid in known for owner in live.owners)}
        grew = not more.keys() <= found.keys()
        found |= more
        known |= more.keys()
    return list(found.values())


async def _metadata(
    client: Client, discovery: Discovery, namespaces: set[str]
) -> tuple[list[LiveObject], tuple[str, ...]]:
    """The metadata of all objects of some namespaces, and the kinds that may not be listed."""
    kinds = [t for t in discovery.types() if t.namespaced and "list" in t.verbs and t.group_kind not in _LEFT_OUT]
    asked = [(kind, namespace) for kind in kinds for namespace in sorted(namespaces)]
    answers = await asyncio.gather(*(heads_of(client, *each) for each in asked), return_exceptions=True)
    found: list[LiveObject] = []
    unread: dict[str, None] = {}
    for (kind, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Forbidden):
            unread[kind.plural] = None
        elif isinstance(answer, list):
            found += answer
        elif not isinstance(answer, ApiError):
            raise answer
    return found, tuple(unread)


async def heads_of(client: Client, kind: ResourceType, namespace: str) -> list[LiveObject]:
    """The metadata of all objects of a kind in a namespace."""
    found: list[LiveObject] = []
    params = {"limit": str(_PAGE)}
    while True:
        answer = await client.send("GET", kind.path(namespace), params=params, headers={"Accept": PARTIAL_LIST})
        page = msgspec.json.decode(answer.body, type=_Items)
        found += [read_object(msgspec.Raw(_as(item, kind)), kind.api_version, kind.kind) for item in page.items or ()]
        token = page.metadata.get("continue") or ""
        if not token:
            return found
        params = {"limit": str(_PAGE), "continue": token}


def _as(item: msgspec.Raw, kind: ResourceType) -> bytes:
    """The metadata as of the object itself: the server calls its kind PartialObjectMetadata."""
    body = msgspec.json.decode(item)
    return msgspec.json.encode(
        {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": body.get("metadata") or {}}
    )


async def _whole(
    client: Client, discovery: Discovery, namespaces: set[str], kinds: set[GroupKind]
) -> dict[str, LiveObject]:
    judged = [k for k in kinds if health.has_check(k)]
    types = [found for found in (discovery.find(k.group, k.kind) for k in judged) if found is not None]
    asked = [(each, namespace) for each in types for namespace in namespaces]
    listings = await asyncio.gather(*(client.list(*each) for each in asked), return_exceptions=True)
    found: dict[str, LiveObject] = {}
    for listing in listings:
        if isinstance(listing, BaseException):
            if not isinstance(listing, ApiError):
                raise listing
            continue
        found |= {live.uid: live for live in listing.objects}
    return found
