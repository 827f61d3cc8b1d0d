"""The Kubernetes that is assumed where there is no cluster to ask: the embedded one."""

from functools import cache
from typing import Final

import msgspec

from pocketkube.cluster import catalog
from trueup.model.resource import GroupKind, api_version_of

VERSION: Final = "v1.37.2"


class Kubernetes(msgspec.Struct, frozen=True):
    """What charts and manifests may ask of a cluster.

    Attributes:
        version: ``v1.37.2``.
        api_versions: Helm's Capabilities, ``apps/v1`` and ``apps/v1/Deployment``, sorted.
        scopes: of each built-in kind, whether it is namespaced.
    """

    version: str
    api_versions: tuple[str, ...]
    scopes: dict[GroupKind, bool]

    def namespaced(self, group: str, kind: str) -> bool | None:
        """The scope of a kind; None where it is not built in."""
        return self.scopes.get(GroupKind(group, kind))


@cache
def embedded() -> Kubernetes:
    """The built-in kinds."""
    names: set[str] = set()
    scopes: dict[GroupKind, bool] = {}
    for facts in catalog.built_in_resources():
        api_version = api_version_of(facts.group, facts.version)
        names.update((api_version, f"{api_version}/{facts.kind}"))
        scopes[GroupKind(facts.group, facts.kind)] = facts.namespaced
    return Kubernetes(VERSION, tuple(sorted(names)), scopes)
