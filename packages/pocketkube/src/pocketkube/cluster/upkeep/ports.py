"""What upkeep asks of the server it keeps."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from pocketkube.cluster.resource import Object, Resource


class UpkeepEntry(Protocol):
    """A stored object; ``body`` is its JSON in the storage version."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    def object(self) -> Object:
        """A copy of one's own."""
        ...


class UpkeepEvent(Protocol):
    """A change of the storage; ``entry`` is what was there last where something was deleted."""

    @property
    def type(self) -> Literal["ADDED", "MODIFIED", "DELETED"]: ...
    @property
    def entry(self) -> UpkeepEntry: ...


class UpkeepPage(Protocol):
    @property
    def entries(self) -> Sequence[UpkeepEntry]: ...


class UpkeepStorage(Protocol):
    """Where objects are, by the name of their store: ``pods``, ``deployments.apps``."""

    def get(self, stored_as: str, namespace: str, name: str) -> UpkeepEntry | None: ...
    def list(self, stored_as: str, namespace: str = "") -> UpkeepPage: ...
    def subscribe(self, callback: Callable[[str, UpkeepEvent], None]) -> Callable[[], None]: ...


class UpkeepRegistry(Protocol):
    """What is served now."""

    def all(self) -> Sequence[Resource]:
        """Every resource in every served version."""
        ...

    def of_kind(self, api_version: str, kind: str) -> Resource | None: ...
    def in_storage(self, stored_as: str) -> Resource | None:
        """The resource in the version that objects are stored in."""
        ...


class UpkeepApi(Protocol):
    """The API as the system itself uses it, in process."""

    @property
    def registry(self) -> UpkeepRegistry: ...

    async def call(self, method: str, path: str, body: Object | None = None) -> Object:
        """Raises:
        Failure: the API refuses.
        """
        ...


def stores_of(registry: UpkeepRegistry) -> list[Resource]:
    """One resource for each store, in the version that objects are stored in."""
    names = dict.fromkeys(resource.stored_as for resource in registry.all())
    return [resource for name in names if (resource := registry.in_storage(name)) is not None]
