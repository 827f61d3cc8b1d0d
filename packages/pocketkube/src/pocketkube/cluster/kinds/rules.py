"""What distinguishes one built-in kind from another, as data with a function where data does not do."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.names import subdomain
from pocketkube.cluster.resource import Object, ScalePaths


class HomeObjects(Protocol):
    """What admission and allocation look up: the objects of this cluster, in their storage versions."""

    def find(self, stored_as: str, namespace: str, name: str) -> Object | None:
        """One object; None where it does not exist."""
        ...

    def every(self, stored_as: str) -> Iterable[Object]:
        """All of a kind, in all namespaces."""
        ...


class HomeCluster(Protocol):
    """What a kind may ask of the cluster it lives in."""

    objects: HomeObjects

    def now(self) -> datetime: ...

    def suffix(self) -> str:
        """Five random letters, as in ``kube-api-access-x7r2p``."""
        ...

    def allocate(self, old: Object | None, new: Object) -> None:
        """Gives a Service its addresses and ports."""
        ...


Create = Callable[[HomeCluster, Object], None]
Update = Callable[[HomeCluster, Object, Object], None]
Check = Callable[[Object, Problems], None]
Change = Callable[[Object, Object, Problems], None]
SubresourceUpdate = Callable[[HomeCluster, Object, Object, str], None]
SubresourceChange = Callable[[Object, Object, str, Problems], None]


def nothing(*_: Any) -> None:
    """What most kinds do about most things."""


class KindRules(msgspec.Struct, frozen=True, kw_only=True):
    """The particulars of a kind.

    Attributes:
        status: it has a status that only the subresource may write.
        moves: top-level fields whose change moves ``metadata.generation``, ``metadata.annotations`` too where named.
        numbered: generation starts at 1.
        status_keeps: metadata that a write of the status may not change.
        status_resets: paths that a write of the status never owns.
        create, update: of the strategy, after the status is dealt with and before the generation is.
        on_subresource: for subresources other than ``status`` and ``scale``.
        check, change, change_subresource: validation.
        immutable: paths of which a change is refused as ``field is immutable``.
        declared_immutable: the same, where a marker on the type says so.
        immutable_first: a change of these is reported before all else.
        labels: selectable fields and where they are.
        name: the form of metadata.name: what is wrong with one.
        convert: to another apiVersion.
        settle: the end of defaulting.
    """

    status: bool = False
    moves: tuple[str, ...] = ()
    numbered: bool = False
    status_keeps: tuple[str, ...] = ()
    status_resets: tuple[tuple[str, ...], ...] = (("spec",),)
    create: Create = nothing
    update: Update = nothing
    on_subresource: SubresourceUpdate = nothing
    check: Check = nothing
    change: Change = nothing
    change_subresource: SubresourceChange = nothing
    immutable: tuple[tuple[str, ...], ...] = ()
    declared_immutable: tuple[tuple[str, ...], ...] = ()
    immutable_first: bool = False
    labels: Callable[[Object], Mapping[str, str]] | None = None
    warn: Callable[[Object], list[str]] | None = None
    scale: ScalePaths | None = None
    name: Callable[[str], list[str]] = subdomain
    convert: Callable[[Object, str], Object] | None = None
    settle: Callable[[Object, str], None] | None = None


def at(obj: Any, *path: str) -> Any:
    """The value at a path; None where anything on the way is missing or no object."""
    for name in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(name)
    return obj
