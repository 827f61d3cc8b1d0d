"""The versions of kinds, as merges ask for them."""

from kubegrammar.merge import DEDUCED, Type
from pocketkube.cluster.api.registry import ResourceRegistry
from pocketkube.cluster.resource import Object, Resource


class KindVersions:
    """The versions of one kind."""

    def __init__(self, registry: ResourceRegistry, resource: Resource) -> None:
        self._registry, self._resource = registry, resource

    def type_of(self, api_version: str) -> Type:
        """The typed schema of a version; the deduced one where the version is not served."""
        if api_version == self._resource.api_version:
            return self._resource.behaviour.type_of(api_version)
        found = self._registry.of_kind(api_version, self._resource.kind)
        return found.behaviour.type_of(api_version) if found else DEDUCED

    def serves(self, api_version: str) -> bool:
        """Whether the kind is served in a version."""
        return self._registry.of_kind(api_version, self._resource.kind) is not None

    def convert(self, obj: Object, api_version: str) -> Object:
        if obj.get("apiVersion") == api_version:
            return obj
        return self._resource.behaviour.convert(obj, api_version)
