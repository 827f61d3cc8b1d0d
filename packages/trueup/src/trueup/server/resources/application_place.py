"""The objects of an Application where they are: the ports that those resources ask, and finding one object of many."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Protocol

import msgspec

from trueup.diff.literal import Literals
from trueup.model.annotations import GROUP
from trueup.model.live import LiveObject, Node, Seen, Shown
from trueup.model.resource import GroupKind, ResourceKey
from trueup.server.errors import Code, Fault
from trueup.server.request import Json
from trueup.store.applications import StoredApplication

MOST = 20_000
"""Objects of one tree: what is beyond is left out."""


class ObjectPlace(Protocol):
    """The cluster that an Application goes to, as this engine sees it."""

    def managed(self) -> Mapping[ResourceKey, LiveObject]:
        """The objects that are the Application's."""
        ...

    def forbidden(self, key: ResourceKey) -> bool:
        """Whether the project lets the Application have no such object there: whoever bears its mark is not shown."""
        ...

    def children(self, uid: str) -> Iterable[Seen]:
        """What has this object as its owner."""
        ...

    def shown(self, found: LiveObject) -> Shown:
        """What a tree shows of an object."""
        ...

    async def follow(self) -> None:
        """See to it that what the Application's objects make is followed."""
        ...

    async def lent(self) -> Literals:
        """Texts of Secrets that the Application is lent: nobody is shown them."""
        ...

    async def whole(self, key: ResourceKey) -> LiveObject | None:
        """An object with all that is in it."""
        ...

    def refusal(self, key: ResourceKey) -> str:
        """Why the Application may not write or delete an object; empty where it may."""
        ...

    async def patch(self, live: LiveObject, body: bytes, kind: str, *, subresource: str = "") -> LiveObject: ...

    async def create(self, body: Json) -> None:
        """Make another object."""
        ...

    async def delete(self, live: LiveObject, *, orphan: bool) -> None: ...

    async def events(self, namespace: str) -> list[Json]:
        """The Events of a namespace."""
        ...

    def log(self, key: ResourceKey, parameters: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Lines of a container's log."""
        ...


class TreeBranch(msgspec.Struct, frozen=True):
    """An object of a tree, with those that own it there."""

    seen: Seen
    parents: tuple[Seen, ...]
    shown: Shown


def grown(place: ObjectPlace) -> dict[ResourceKey, TreeBranch]:
    """The Application's objects with all that they have made, each once, owners first.

    Anybody may have written a mark, and an Application may be called like one that is gone: what the project does not
    permit is none of them, nor is what that has made.
    """
    managed = {key: live for key, live in place.managed().items() if not place.forbidden(key)}
    found: dict[ResourceKey, TreeBranch] = {}
    parents: dict[ResourceKey, list[Seen]] = {}
    pending: list[Seen] = sorted(managed.values(), key=lambda each: each.key)
    queued = {each.key for each in pending}
    for seen in pending:
        if len(found) >= MOST:
            break
        brief = seen.shown if isinstance(seen, Node) else place.shown(seen)
        found[seen.key] = TreeBranch(seen, tuple(parents.get(seen.key, ())), brief)
        # Another Application's objects are in its tree.
        if seen.key.group == GROUP and seen.key.kind == "Application":
            continue
        for child in sorted(place.children(seen.uid) if seen.uid else (), key=lambda each: each.key):
            if place.forbidden(child.key):
                continue
            parents.setdefault(child.key, []).append(seen)
            if child.key not in queued:
                queued.add(child.key)
                pending.append(child)
    return {key: msgspec.structs.replace(branch, parents=tuple(parents.get(key, ()))) for key, branch in found.items()}


def key_in(message: Json) -> ResourceKey:
    """The object that a request names."""
    name = message.get("resourceName", "")
    return ResourceKey(message.get("group", ""), message.get("kind", ""), message.get("namespace", ""), name)


def found_in(place: ObjectPlace, stored: StoredApplication, key: ResourceKey) -> Seen:
    """An object of an Application, or one that such an object has made.

    Raises:
        Fault: it is none of them, be it there or not.
    """
    branch = grown(place).get(key)
    if branch is None:
        name = stored.app.metadata.name
        what = f"{key.kind} {key.group} {key.name}"
        raise Fault(Code.INVALID_ARGUMENT, f"{what} not found as part of application {name}")
    return branch.seen


def kinds_below(kinds: Iterable[GroupKind]) -> set[GroupKind]:
    """Kinds of what objects of these kinds make, as far as Kubernetes' own controllers do."""
    found: set[GroupKind] = set()
    pending = list(kinds)
    while pending:
        for below in _BELOW.get(pending.pop(), ()):
            if below not in found:
                found.add(below)
                pending.append(below)
    return found


_POD, _JOB = GroupKind("", "Pod"), GroupKind("batch", "Job")
_SETS, _REVISIONS = GroupKind("apps", "ReplicaSet"), GroupKind("apps", "ControllerRevision")
_BELOW: Mapping[GroupKind, tuple[GroupKind, ...]] = {
    GroupKind("apps", "Deployment"): (_SETS,),
    GroupKind("apps", "StatefulSet"): (_POD, _REVISIONS),
    GroupKind("apps", "DaemonSet"): (_POD, _REVISIONS),
    _SETS: (_POD,),
    _JOB: (_POD,),
    GroupKind("batch", "CronJob"): (_JOB,),
    GroupKind("", "ReplicationController"): (_POD,),
    GroupKind("", "Service"): (GroupKind("discovery.k8s.io", "EndpointSlice"),),
    GroupKind("argoproj.io", "Rollout"): (_SETS,),
}
