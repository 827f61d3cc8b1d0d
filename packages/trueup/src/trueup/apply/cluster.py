"""The cluster as this package needs it: the parts of ``kube`` it calls, so that an application can hand in its own."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import msgspec

from kubegrammar.merge import Merging
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import Invalid, NotFound
from trueup.kube.parameters import FieldValidation, PatchKind, Propagation
from trueup.model.live import LiveObject, Seen
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey, group_of, version_of

KIND_WAIT = 30.0
"""Seconds a kind that is being defined may take to be served; measured 0.06 s, seen 2 s."""
_FIRST_LOOK, _LONGEST_LOOK = 0.05, 1.0


class Writer(Protocol):
    """Reads and writes of single objects: :class:`trueup.kube.client.Client`."""

    def acting_as(self, user: str) -> "Writer": ...

    async def get(self, type_: ResourceType, namespace: str, name: str) -> LiveObject: ...

    async def create(
        self,
        type_: ResourceType,
        namespace: str,
        body: bytes,
        *,
        dry_run: bool = False,
        field_manager: str = "",
        field_validation: FieldValidation = "",
        warnings: list[str] | None = None,
    ) -> LiveObject: ...

    async def apply(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: bytes,
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
        warnings: list[str] | None = None,
    ) -> LiveObject: ...

    async def patch(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: bytes,
        *,
        kind: PatchKind,
        dry_run: bool = False,
        manager: str = "",
        field_validation: FieldValidation = "",
        warnings: list[str] | None = None,
    ) -> LiveObject: ...

    async def replace(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: bytes,
        *,
        dry_run: bool = False,
        manager: str = "",
        field_validation: FieldValidation = "",
        warnings: list[str] | None = None,
    ) -> LiveObject: ...

    async def delete(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        *,
        propagation: Propagation = "Foreground",
        uid: str = "",
        dry_run: bool = False,
    ) -> LiveObject | None: ...


class ServedKinds(Protocol):
    """What the cluster serves: :class:`trueup.kube.discovery.Discovery`."""

    async def refresh(self) -> None: ...

    def find(self, group: str, kind: str, version: str = "") -> ResourceType | None: ...


class Cached(Protocol):
    """The watch cache. A write's answer enters it at once, or the next pass would decide on the past."""

    def get(self, key: ResourceKey, /) -> LiveObject | None: ...

    def known(self, key: ResourceKey, /) -> Seen | None: ...

    async def whole(self, keys: Iterable[ResourceKey], /) -> None: ...

    def stored(self, obj: LiveObject, /) -> None: ...

    def removed(self, key: ResourceKey, uid: str, /) -> None: ...

    def definition(self, kind: GroupKind, /) -> str: ...


class Mergings(Protocol):
    """How kinds merge: :class:`trueup.kube.schemas.Schemas`."""

    async def merging(self, api_version: str, kind: str) -> Merging: ...


class Cluster(Protocol):
    """One destination cluster."""

    @property
    def client(self) -> Writer: ...

    @property
    def discovery(self) -> ServedKinds: ...

    @property
    def schemas(self) -> Mergings: ...

    @property
    def cache(self) -> Cached: ...


class _Acting(msgspec.Struct, frozen=True):
    client: Writer
    discovery: ServedKinds
    schemas: Mergings
    cache: Cached


def acting_as(cluster: Cluster, user: str) -> Cluster:
    """The cluster as another user may read and write single objects of it; what is known of it stays our own.

    Args:
        user: empty for ourselves.
    """
    if not user:
        return cluster
    return _Acting(cluster.client.acting_as(user), cluster.discovery, cluster.schemas, cluster.cache)


def known_type(cluster: Cluster, api_version: str, kind: str) -> ResourceType | None:
    """The served kind in exactly this version, without asking the server."""
    return cluster.discovery.find(group_of(api_version), kind, version_of(api_version))


async def served_type(
    cluster: Cluster, manifest: Manifest, key: ResourceKey, *, wait: float = KIND_WAIT
) -> ResourceType:
    """The kind of a manifest, waited for while a definition written a moment ago comes into force.

    Args:
        key: as it has been admitted. A kind that turns out to be of another scope than was believed is not written: a
            project permits objects of a namespace and those of a cluster by different lists.

    Raises:
        NotFound: it is not served after ``wait`` seconds.
        Invalid: the scope is another.
    """
    api_version, kind = manifest.api_version, key.kind
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + wait, _FIRST_LOOK
    while (type_ := known_type(cluster, api_version, kind)) is None:
        await cluster.discovery.refresh()
        if known_type(cluster, api_version, kind) is None:
            if loop.time() >= deadline:
                raise NotFound(
                    f"the cluster does not serve {api_version} {kind}",
                    code=404,
                    hint="install its CustomResourceDefinition, or correct the apiVersion",
                )
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_LOOK)
    if type_.namespaced != bool(key.namespace):
        scope = "namespaced and no namespace is named" if type_.namespaced else "of the cluster, not of a namespace"
        raise Invalid(f"{key}: the kind is {scope}", code=422, hint="sync again")
    return type_
