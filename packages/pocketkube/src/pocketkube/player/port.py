"""What the player asks of the cluster it plays on."""

from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec

from pocketkube.player.objects import FollowedObjects, Kind, Object

MERGE_PATCH = "application/merge-patch+json"


class ServedKind(msgspec.Struct, frozen=True):
    """How a kind is addressed, in the version that is followed."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of an object, or of the collection: of all namespaces where none is given."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        parts = [root, *(["namespaces", namespace] if self.namespaced and namespace else []), self.plural, name]
        return "/".join(part for part in (*parts, subresource) if part)


class FollowedCluster(Protocol):
    """A cluster that can be followed and written to."""

    async def follow(self, kinds: Collection[Kind], objects: FollowedObjects) -> Mapping[Kind, ServedKind]:
        """Put what there is of some kinds into ``objects``, and from then on every change, until :meth:`close`.

        Returns:
            When all is there: those of the kinds that the cluster serves.

        Raises:
            ClusterError: it does not answer. Later it is waited for.
        """
        ...

    async def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        manager: str,
        content_type: str = "application/json",
    ) -> Object:
        """Raises:
        Failure: the API refuses, or does not answer.
        """
        ...

    async def close(self) -> None:
        """Follow no more."""
        ...
