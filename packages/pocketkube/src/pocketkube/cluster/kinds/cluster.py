"""All built-in kinds of one cluster."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Final

from pocketkube.cluster.kinds import (
    admission_hooks,
    autoscaling,
    batch,
    claims,
    configuration,
    core,
    events,
    networking,
    pods,
    policies,
    rbac,
    services,
    storage,
    workloads,
)
from pocketkube.cluster.kinds.allocations import Allocations
from pocketkube.cluster.kinds.builtin import BuiltIn
from pocketkube.cluster.kinds.rules import HomeObjects, KindRules
from pocketkube.cluster.resource import Object

_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Without vowels and look-alikes (apimachinery ``util/rand``)."""

RULES: Final[dict[tuple[str, str], KindRules]] = (
    admission_hooks.RULES
    | autoscaling.RULES
    | batch.RULES
    | claims.RULES
    | configuration.RULES
    | core.RULES
    | events.RULES
    | networking.RULES
    | pods.RULES
    | policies.RULES
    | rbac.RULES
    | services.RULES
    | storage.RULES
    | workloads.RULES
)


class Kinds:
    """The behaviours of the built-in kinds, bound to one cluster.

    Args:
        objects: looks up what admission and allocation depend on.
        now: the time, with a time zone.
        random: where random names and addresses come from.
    """

    def __init__(self, objects: HomeObjects, now: Callable[[], datetime], random: Random) -> None:
        self.objects = objects
        self.now = now
        self._random = random
        self._allocations = Allocations(random)
        self._known: dict[tuple[str, str], BuiltIn] = {}
        for service in objects.every("services"):
            self._allocations.take(service)

    def behaviour_of(self, group: str, kind: str) -> BuiltIn:
        """The behaviour of a kind; without particulars for one that has no rules."""
        key = (group, kind)
        if key not in self._known:
            self._known[key] = BuiltIn(group, kind, RULES.get(key, KindRules()), self)
        return self._known[key]

    def stored(self, stored_as: str, old: Object | None, new: Object | None) -> None:
        """To be told of every object that was stored (``new``) or deleted (None): keeps what Services hold.

        Args:
            old: as it was before, if it was.
        """
        if stored_as != "services":
            return
        if old is not None:
            self._allocations.release(old)
        if new is not None:
            self._allocations.take(new)

    def allocate(self, old: Object | None, new: Object) -> None:
        self._allocations.give(old, new)

    def suffix(self) -> str:
        return "".join(self._random.choices(_LETTERS, k=5))
