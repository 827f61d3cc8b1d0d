"""What every verb works with: the storage, the resources that are served, time and chance."""

import uuid
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Final

from kubegrammar.time import format_time
from pocketkube.cluster.api.calls import WriteAnswer
from pocketkube.cluster.api.registry import ResourceRegistry
from pocketkube.cluster.api.versions import KindVersions
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.storage import Storage, StoredObject

_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Of random names: without vowels and look-alikes (apimachinery ``util/rand``)."""


class Core:
    """Shared by all verbs.

    Args:
        now: the time, with a time zone.
        random: for names and uids.
    """

    def __init__(
        self, storage: Storage, registry: ResourceRegistry, now: Callable[[], datetime], random: Random
    ) -> None:
        self.storage = storage
        self.registry = registry
        self.now = now
        self._random = random
        self._last: tuple[int, str] = (0, "")

    def now_text(self) -> str:
        """The time as objects have it, to the second."""
        moment = self.now()
        second = int(moment.timestamp())
        if self._last[0] != second:
            self._last = (second, format_time(moment))
        return self._last[1]

    def uid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def suffix(self) -> str:
        """The random end of a generated name."""
        return "".join(self._random.choices(_LETTERS, k=5))

    def versions(self, resource: Resource) -> KindVersions:
        return KindVersions(self.registry, resource)

    def read(self, resource: Resource, entry: StoredObject) -> Object:
        """A copy of a stored object in the version of a resource."""
        obj = entry.object()
        if resource.api_version == resource.storage_version:
            return obj
        return resource.behaviour.convert(obj, resource.api_version)

    def written(self, resource: Resource, entry: StoredObject, *, created: bool = False) -> WriteAnswer:
        """The answer to a write."""
        if resource.api_version == resource.storage_version:
            return WriteAnswer({}, entry.body, created)
        return WriteAnswer(self.read(resource, entry), created=created)
