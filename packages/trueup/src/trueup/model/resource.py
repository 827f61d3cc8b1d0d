"""What identifies an object of a cluster."""

from collections.abc import Iterable, Iterator

import msgspec


class ResourceKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """Identity of an object without its API version: two versions of one kind are the same object.

    ``namespace`` is empty for cluster-scoped objects, ``group`` for the core API.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = f"{self.group}/{self.kind}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


class GroupKind(msgspec.Struct, frozen=True, order=True, gc=False):
    """A kind, whatever its version."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


SECRET = GroupKind("", "Secret")


def names(keys: Iterable[ResourceKey]) -> Iterator[str]:
    """What objects are called, with their kinds and namespaces."""
    for key in keys:
        yield from (key.name, key.namespace, key.kind)


def group_of(api_version: str) -> str:
    """``apps/v1`` → ``apps``; ``v1`` → empty."""
    return api_version.rpartition("/")[0]


def version_of(api_version: str) -> str:
    """``apps/v1`` → ``v1``."""
    return api_version.rpartition("/")[2]


def api_version_of(group: str, version: str) -> str:
    """The inverse of the two above."""
    return f"{group}/{version}" if group else version
