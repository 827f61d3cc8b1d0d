"""The Pods of an application, found from below: who owns a Pod, and who owns that, up to what the application declares.

Looking from above would ask for every kind that there is, since nobody knows which a controller makes.
"""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from trueup.cli.app.children import heads_of
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import ApiError
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey, group_of

POD = ResourceType("", "v1", "Pod", "pods", namespaced=True)


class Lineage(msgspec.Struct, frozen=True):
    """A Pod of an application.

    Attributes:
        keys: its own, and those of what has made it, up to objects that the application declares.
    """

    pod: LiveObject
    keys: frozenset[ResourceKey]


async def pods_of(client: Client, declared: Iterable[ResourceKey]) -> list[Lineage]:
    """The Pods below objects of an application, by their names.

    Raises:
        ApiError: the cluster does not answer, or the user may not list Pods.
    """
    wanted = set(declared)
    namespaces = sorted({key.namespace for key in wanted if key.namespace})
    listings = await asyncio.gather(*(client.list(POD, namespace) for namespace in namespaces))
    pods = [pod for listing in listings for pod in listing.objects]
    above = await _owners(client, pods, namespaces)
    return sorted(lineages(pods, above, wanted), key=lambda each: each.pod.key)


def lineages(pods: Iterable[LiveObject], above: Mapping[str, LiveObject], wanted: set[ResourceKey]) -> list[Lineage]:
    """The Pods that are wanted or below what is. Pure.

    Args:
        above: owners by their uid.
    """
    found = []
    for pod in pods:
        line = {pod.uid: pod}
        pending = [pod]
        while pending:
            owners = [above[owner.uid] for owner in pending.pop().owners if owner.uid in above]
            # Owners may form rings.
            pending += [owner for owner in owners if owner.uid not in line]
            line |= {owner.uid: owner for owner in owners}
        keys = frozenset(each.key for each in line.values())
        if keys & wanted:
            found.append(Lineage(pod, keys))
    return found


async def _owners(client: Client, pods: Iterable[LiveObject], namespaces: list[str]) -> dict[str, LiveObject]:
    """What owns Pods and their owners, by uid; what may not be listed is left out."""
    found: dict[str, LiveObject] = {}
    asked = {POD.group_kind}
    named = _kinds_above(pods) - asked
    discovery = Discovery(client)
    if named:
        await discovery.refresh()
    while named:
        asked |= named
        types = [known for kind in named if (known := discovery.find(kind.group, kind.kind)) and known.namespaced]
        answers = await asyncio.gather(
            *(heads_of(client, known, namespace) for known in types for namespace in namespaces),
            return_exceptions=True,
        )
        level: list[LiveObject] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                if not isinstance(answer, ApiError):
                    raise answer
                continue
            level += answer
        found |= {live.uid: live for live in level}
        named = _kinds_above(level) - asked
    return found


def _kinds_above(objects: Iterable[LiveObject]) -> set[GroupKind]:
    return {GroupKind(group_of(owner.api_version), owner.kind) for live in objects for owner in live.owners}
