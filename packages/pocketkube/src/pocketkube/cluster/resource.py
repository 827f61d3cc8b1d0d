"""What the API serves: resources, and the behaviour behind each."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from kubegrammar.merge import Type
from pocketkube.cluster.failure import FieldCause

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON."""


class Behaviour(Protocol):
    """What is particular to a kind, whatever its version; built-in kinds and custom ones each have theirs.

    The write path calls, in this order, with objects in the version of the request: ``prune`` and ``default``, then
    ``prepare_create`` or ``prepare_update``, ``validate`` or ``validate_update``. All but the ``validate`` functions
    change the object in place.
    """

    def type_of(self, version: str) -> Type:
        """The typed schema of a version, for merges and field validation."""
        ...

    def check(self, obj: Object, version: str) -> None:
        """Refuses values of a wrong type.

        Raises:
            Failure: BadRequest for built-in kinds, whose real decoder would refuse it.
        """
        ...

    def name_problems(self, name: str) -> list[str]:
        """What is wrong with ``metadata.name`` as a name of this kind."""
        ...

    def blank(self, version: str) -> Object:
        """An object in which nothing is set, as its encoder writes it: what a new object is compared with, to tell
        which fields its creator owns."""
        ...

    def default(self, obj: Object, version: str) -> None:
        """Fills in what the manifest leaves out and brings values to their stored form (quantities, base64)."""
        ...

    def prepare_create(self, obj: Object, version: str) -> None:
        """What the server decides itself: no status, generation 1, allocated addresses and ports."""
        ...

    def prepare_update(self, old: Object, new: Object, version: str, subresource: str) -> None:
        """Keeps what this request may not change (status on the object, all else on ``status``), moves generation."""
        ...

    def validate(self, obj: Object, version: str) -> list[FieldCause]:
        """What is wrong with an object, metadata aside (the write path checks that itself)."""
        ...

    def validate_update(self, old: Object, new: Object, version: str, subresource: str) -> list[FieldCause]:
        """What is wrong with a change: ``validate`` of the new object, and the fields that may not change."""
        ...

    def warnings(self, obj: Object, version: str) -> Sequence[str]:
        """Texts for Warning headers."""
        ...

    def convert(self, obj: Object, version: str) -> Object:
        """The object as another ``group/version`` (an apiVersion) of its kind; itself where it is that already.

        The same API may be served by two groups (events), hence the whole apiVersion.
        """
        ...

    def reset_fields(self, version: str, subresource: str) -> Sequence[tuple[str, ...]]:
        """Paths that a write by this way never owns: ``("status",)`` for the object itself."""
        ...

    def scale_paths(self, version: str) -> "ScalePaths | None":
        """Where the scale subresource finds its numbers; None where there is none."""
        ...

    def field_labels(self, obj: Object) -> Mapping[str, str]:
        """Values for field selectors besides metadata.name and metadata.namespace, such as ``status.phase``.

        The keys are the labels the kind supports, whatever the object.
        """
        ...


class ScalePaths(msgspec.Struct, frozen=True):
    """Paths as ``("spec", "replicas")``; ``selector`` is () where there is none."""

    spec: tuple[str, ...]
    status: tuple[str, ...]
    selector: tuple[str, ...] = ()


class Subresource(msgspec.Struct, frozen=True):
    """``status``, ``scale``, ``log``, ``eviction``, …, with the kind it speaks."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource in one served version.

    Attributes:
        stored_as: ``deployments.apps``, ``pods``: where the objects of all versions are; for a resource that two
            groups serve it is the same for both.
        storage_version: the apiVersion objects are stored in.
        columns: ``additionalPrinterColumns`` of a custom resource; None for a built-in one.
        storage_version_hash: as discovery shows it.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    stored_as: str
    storage_version: str
    behaviour: Behaviour
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: Mapping[str, Subresource] = {}
    columns: tuple[Mapping[str, Any], ...] | None = None
    storage_version_hash: str = ""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def stored_group(self) -> str:
        """The group of the kind as it is stored, which refusals name: that of an Event is the core group."""
        return self.stored_as.partition(".")[2]

    @property
    def qualified(self) -> str:
        """``deployments.apps``, as messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural
