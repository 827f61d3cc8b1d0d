"""Which resources are served now."""

from collections.abc import Iterable, Sequence

from pocketkube.cluster.resource import Resource


class ResourceRegistry:
    """An index of resources: those built in for good, custom ones as their definitions come and go."""

    def __init__(self, built_in: Iterable[Resource]) -> None:
        self._built_in = tuple(built_in)
        self._built_in_groups = {one.group for one in self._built_in}
        self._custom: tuple[Resource, ...] = ()
        self.generation = 0
        self._index()

    def serve_custom(self, resources: Iterable[Resource]) -> None:
        """From now on these custom resources are served, and no others."""
        self._custom = tuple(resources)
        self.generation += 1
        self._index()

    def all(self) -> Sequence[Resource]:
        """Every resource in every served version, built-in ones first."""
        return (*self._built_in, *self._custom)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_path.get((group, version, plural))

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """``("apps/v1", "Deployment")``."""
        return self._by_kind.get((api_version, kind))

    def in_storage(self, stored_as: str) -> Resource | None:
        """The resource in the version its objects are stored in."""
        return self._by_store.get(stored_as)

    def is_built_in_group(self, group: str) -> bool:
        return group in self._built_in_groups

    def is_custom(self, resource: Resource) -> bool:
        return resource.columns is not None

    def _index(self) -> None:
        every = self.all()
        self._by_path = {(one.group, one.version, one.plural): one for one in reversed(every)}
        self._by_kind = {(one.api_version, one.kind): one for one in reversed(every)}
        self._by_store: dict[str, Resource] = {}
        for one in every:
            if one.api_version == one.storage_version or one.stored_as not in self._by_store:
                self._by_store[one.stored_as] = one
