"""What several applications declare: who of them has applied it last, and so has it."""

from collections.abc import Callable, Mapping

import msgspec

from trueup import diff, policy
from trueup.diff import Pairs
from trueup.diff.ownership import owners
from trueup.model.annotations import FIELD_MANAGER, TRACKING_ID
from trueup.model.application import Application, Destination
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.plan.kinds import CRD
from trueup.runtime.clock import Clock
from trueup.store.applications import Applications, StoredApplication
from trueup.store.definers import Definers

Forbids = Callable[[Application, Project | None], Callable[[ResourceKey], str]]
"""Why an application may not write an object; the empty text where it may."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What an application declares and another one has to do with.

    Attributes:
        marked: a text for each object whose tracking mark names another application.
        defined: a text for each definition that another application declares too.
        taken: objects that another application has applied last and may write, with its name.
    """

    marked: tuple[str, ...] = ()
    defined: tuple[str, ...] = ()
    taken: Mapping[ResourceKey, str] = {}


class Sharing:
    """Tells what applications share, by their records: what a mark says, anybody may write.

    Args:
        here: an application's destination where it is this cluster; of another cluster, names mean nothing.
    """

    def __init__(
        self,
        applications: Applications,
        definers: Definers,
        clock: Clock,
        forbids: Forbids,
        here: Callable[[Application], Destination | None],
    ) -> None:
        self._applications, self._definers = applications, definers
        self._clock = clock
        self._forbids, self._here = forbids, here

    def of(self, stored: StoredApplication, pairs: Pairs) -> Shared:
        """What an application shares of these objects."""
        instance = self._applications.instance(stored.key)
        others, defined = diff.shared(pairs, instance), self._defined_by_others(stored, pairs)
        later = {key: owner for key, owner in defined.items() if self._later(stored, key, owner)}
        return Shared(
            marked=tuple(_told(key, instance, owner) for key, owner in others.items()),
            defined=tuple(_told(key, instance, owner) for key, owner in defined.items()),
            taken=self._taken(_applied_marks(others, pairs) | later),
        )

    def _defined_by_others(self, stored: StoredApplication, pairs: Pairs) -> dict[ResourceKey, str]:
        """Definitions that another application declares too, with the one that has applied it last."""
        found = {}
        for pair in pairs.pairs:
            if pair.target is None or pair.target.group_kind != CRD:
                continue
            others = [key for key in self._definers.of(pair.key.name) if key != stored.key and self._is_here(key)]
            if others:
                # One that may not write it has never applied it, whatever its status says.
                last = max(others, key=lambda key: (self._may_have(key, pair.key), self._applied(key, pair.key)))
                found[pair.key] = self._applications.instance(last)
        return found

    def _later(self, stored: StoredApplication, key: ResourceKey, owner: str) -> bool:
        """Whether another application has applied a definition since this one did."""
        other = self._applied(self._applications.key_of_instance(owner), key)
        return bool(other[0]) and other > self._applied(stored.key, key)

    def _applied(self, application: str, key: ResourceKey) -> tuple[str, str]:
        """When an application applied an object last; of two in one second the later name counts."""
        stored = self._applications.get(application)
        return (policy.applied_at(stored.status, key, self._clock.now()) if stored else "", application)

    def _taken(self, others: Mapping[ResourceKey, str]) -> dict[ResourceKey, str]:
        """Of objects that are other applications' too, those that these have applied and may write, with their names:
        anybody may forge a mark, and who may write a status forges a line of what is compared."""
        found: dict[ResourceKey, str] = {}
        for key, instance in others.items():
            name = self._applications.key_of_instance(instance)
            if self._applied(name, key)[0] and self._may_have(name, key):
                found[key] = instance
        return found

    def _may_have(self, application: str, key: ResourceKey) -> bool:
        """Whether another application has to do with an object and may write it.

        One that is leaving has none: it would take the object with it.
        """
        stored = self._applications.get(application) if self._applications.ours(application) else None
        if stored is None or stored.app.metadata.deletion_timestamp or key not in policy.recorded(stored.status):
            return False
        if self._here(stored.app) is None:
            return False
        try:
            return not self._forbids(stored.app, self._applications.project_of_stored(stored))(key)
        except InvalidSpec:
            return False

    def _is_here(self, application: str) -> bool:
        stored = self._applications.get(application)
        return stored is not None and self._here(stored.app) is not None


def _applied_marks(others: Mapping[ResourceKey, str], pairs: Pairs) -> dict[ResourceKey, str]:
    """Of marks of other applications, those that an apply of an engine wrote. What somebody else wrote there is drift.

    Args:
        others: the application by the object that names it.
    """
    applied = {item.key for item in pairs.pairs if item.live is not None and item.key in others and marked(item.live)}
    return {key: instance for key, instance in others.items() if key in applied}


def marked(live: LiveObject) -> bool:
    """Whether an engine is on record as the writer of an object's tracking mark as it is now."""
    return FIELD_MANAGER in owners(live, "metadata", "annotations", TRACKING_ID)


def _told(key: ResourceKey, instance: str, owner: str) -> str:
    return f"{key.kind}/{key.name} is part of applications {instance} and {owner}"
