"""An object as the cluster has it, kept compact: bytes until somebody asks, or no more than a tree shows."""

from typing import Any

import msgspec

from trueup.model.health import Health
from trueup.model.resource import GroupKind, ResourceKey


class Owner(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An entry of ``metadata.ownerReferences``."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class LiveObject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A live object: typed metadata beside the raw JSON the server sent.

    Attributes:
        resource_version: an opaque string by contract, a growing integer in fact.
        deletion_timestamp: RFC 3339 or empty.
        body: JSON of the whole object (managedFields included).
        deep: fields that nest deeper than can be worked with, one for each part of the object; ``body`` has nothing
            there.
    """

    key: ResourceKey
    api_version: str
    uid: str
    resource_version: str
    body: bytes
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    deep: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without body and annotations: either may hold a Secret's values, and this ends up in logs."""
        return f"LiveObject({self.key}, resource_version={self.resource_version!r}, uid={self.uid!r})"

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.key.group, self.key.kind)

    def object(self) -> dict[str, Any]:
        """A fresh, mutable copy of the object."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


class Shown(msgspec.Struct, frozen=True, gc=False):
    """What a tree shows of an object beside its name and age.

    Attributes:
        health: None where its kind has no check.
        images: of its containers, each once.
        restarts: of all containers of a Pod.
        ready: how many containers of a Pod are, such as ``1/2``.
        revision: of a ReplicaSet or ControllerRevision, as its owner counts.
    """

    health: Health | None = None
    images: tuple[str, ...] = ()
    restarts: int = 0
    ready: str = ""
    revision: str = ""


class Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is kept of an object that nobody manages and nobody has asked for."""

    key: ResourceKey
    api_version: str
    uid: str
    resource_version: str
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
    owners: tuple[Owner, ...] = ()
    shown: Shown = Shown()

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.key.group, self.key.kind)


Seen = LiveObject | Node
"""An object as the watch cache has it."""
