"""What is known of a cluster's objects, and who is told when that changes."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON."""


class Kind(NamedTuple):
    """A kind by its API group; versions are the same objects."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Key(NamedTuple):
    """Which object it is."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class OwnerLink(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An entry of ``metadata.ownerReferences``."""

    uid: str = ""
    api_version: str = ""
    kind: str = ""
    name: str = ""
    controller: bool | None = None


class SeenObject(msgspec.Struct, frozen=True, gc=False):
    """An object at one version.

    Attributes:
        version: its resourceVersion, which grows.
        body: JSON.
    """

    key: Key
    uid: str
    version: int
    body: bytes
    labels: Mapping[str, str] = {}
    owners: tuple[OwnerLink, ...] = ()

    @property
    def kind(self) -> Kind:
        return self.key.kind

    @property
    def controlling(self) -> OwnerLink | None:
        """The owner that controls it."""
        return next((owner for owner in self.owners if owner.controller), None)

    def object(self) -> Object:
        """The object decoded: a copy of one's own."""
        found: Object = msgspec.json.decode(self.body)
        return found


class _Metadata(msgspec.Struct, gc=False, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: tuple[OwnerLink, ...] | None = None


class _Head(msgspec.Struct, gc=False):
    metadata: _Metadata


_REMEMBERED = 4096
"""Objects that have gone, of which a late answer to a write may still come."""
_HEAD = msgspec.json.Decoder(_Head)


def group_of(api_version: str) -> str:
    """``apps`` of ``apps/v1``; empty for ``v1``."""
    return api_version.rpartition("/")[0]


@lru_cache(maxsize=256)
def kind_of(api_version: str, kind: str) -> Kind:
    """The kind that an object or a reference names."""
    return Kind(group_of(api_version), kind)


def seen(kind: Kind, body: bytes) -> SeenObject:
    """An object as a server sends it.

    Raises:
        msgspec.DecodeError: it is none.
    """
    metadata = _HEAD.decode(body).metadata
    return SeenObject(
        key=Key(kind, metadata.namespace, metadata.name),
        uid=metadata.uid,
        version=int(metadata.resource_version or 0),
        body=body,
        labels=metadata.labels or {},
        owners=metadata.owner_references or (),
    )


Told = Callable[[SeenObject | None, SeenObject | None], None]
"""Called with what was there and what is; None for nothing."""


class FollowedObjects:
    """Objects of the kinds that are followed, with those that each owns."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, dict[Key, SeenObject]] = {}
        self._children: dict[str, dict[Key, SeenObject]] = {}
        self._told: list[Told] = []
        self._gone: dict[str, None] = {}

    def subscribe(self, told: Told) -> None:
        """Have each change told."""
        self._told.append(told)

    def get(self, key: Key) -> SeenObject | None:
        return self._kinds.get(key.kind, {}).get(key)

    def of_kind(self, kind: Kind) -> list[SeenObject]:
        return [*self._kinds.get(kind, {}).values()]

    def children(self, uid: str) -> list[SeenObject]:
        """What has the object of this uid among its owners."""
        return [*self._children.get(uid, {}).values()]

    def put(self, new: SeenObject) -> None:
        """Take a version; one that is not newer than what is known of the same object says nothing."""
        old = self.get(new.key)
        if new.uid in self._gone or (old is not None and old.uid == new.uid and old.version >= new.version):
            return
        if old is not None:
            self._untie(old)
        self._kinds.setdefault(new.kind, {})[new.key] = new
        for owner in new.owners:
            self._children.setdefault(owner.uid, {})[new.key] = new
        self._tell(old, new)

    def drop(self, key: Key, uid: str) -> None:
        """The object has gone; one of its name that came after it stays."""
        self._gone[uid] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]
        old = self.get(key)
        if old is None or old.uid != uid:
            return
        self._untie(old)
        del self._kinds[key.kind][key]
        self._tell(old, None)

    def answered(self, kind: Kind, answer: Object) -> None:
        """Take what a write of a kind was answered with, where that is the object: it is known before it is told of."""
        if kind_of(answer.get("apiVersion", ""), answer.get("kind", "")) == kind:
            self.put(seen(kind, msgspec.json.encode(answer)))

    def replace(self, kind: Kind, listed: Iterable[SeenObject]) -> None:
        """Take a whole list: what is not in it has gone."""
        found = {each.key: each for each in listed}
        for old in self.of_kind(kind):
            new = found.get(old.key)
            if new is None or new.uid != old.uid:
                self.drop(old.key, old.uid)
        for new in found.values():
            self.put(new)

    def _untie(self, old: SeenObject) -> None:
        for owner in old.owners:
            children = self._children.get(owner.uid, {})
            children.pop(old.key, None)
            if not children:
                self._children.pop(owner.uid, None)

    def _tell(self, old: SeenObject | None, new: SeenObject | None) -> None:
        for told in self._told:
            told(old, new)
