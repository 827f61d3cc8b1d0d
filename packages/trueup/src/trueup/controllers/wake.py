"""Which change wakes which application."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from trueup.model.annotations import CHANGED_BY
from trueup.model.application import DEFAULT_PROJECT
from trueup.model.live import LiveObject, Seen
from trueup.model.resource import SECRET, GroupKind, ResourceKey
from trueup.model.tracking import owner_instance
from trueup.plan.kinds import CRD, NAMESPACE
from trueup.policy.settings import CONFIG_MAP, PARAMETERS
from trueup.store.applications import APPLICATION, PROJECT, Applications
from trueup.store.definers import Definers
from trueup.store.projects import orphaned_tokens

CONFIG_MAPS = GroupKind("", "ConfigMap")
LENDING = frozenset((CONFIG_MAPS, SECRET))
"""Kinds whose objects applications may be lent values by."""


class _Wanted(msgspec.Struct):
    spec: msgspec.Raw = msgspec.Raw(b"null")
    operation: Any = None
    status: "_Phase | None" = None


class _Health(msgspec.Struct):
    health: Any = None


class _Healthy(msgspec.Struct):
    status: _Health | None = None


class _State(msgspec.Struct):
    phase: str = ""


class _Phase(msgspec.Struct, rename="camel"):
    operation_state: _State | None = None


class Wakes:
    """Turns changes of the watch cache into reconciles.

    Args:
        leaves: told of an application that is gone, or is being deleted from now on.
    """

    def __init__(
        self,
        applications: Applications,
        definers: Definers,
        *,
        add: Callable[[str], None],
        add_project: Callable[[str], None],
        leaves: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._applications, self._definers = applications, definers
        self._add = add
        self._add_project = add_project
        self._goes = leaves

    def changed(self, old: Seen | None, new: Seen | None) -> None:
        """Told of every change."""
        found = new or old
        assert found is not None
        asked = found.group_kind != APPLICATION or _asks(_whole(old), _whole(new))
        if isinstance(found, LiveObject):
            self._ours(found, _whole(old), _whole(new), asked)
        for key in self._concerned(old, new, asked):
            self._add(key)

    def _ours(self, found: LiveObject, old: LiveObject | None, new: LiveObject | None, asked: bool) -> None:
        """Of our own objects and settings, whose bodies are always kept.

        Args:
            asked: somebody did it, where it is an Application, and not the engine alone by a status.
        """
        ours = found.key.namespace == self._applications.control_namespace
        if found.group_kind == APPLICATION:
            if new is None or (asked and _leaves(old, new)):
                for project in self._applications.leaving_projects():
                    self._add_project(project)
            if ours and (new is None or (new.deletion_timestamp and not (old and old.deletion_timestamp))):
                self._goes(f"{found.key.namespace}/{found.key.name}")
            if ours:
                self._application(found.key, old, new, asked)
        elif found.group_kind == CONFIG_MAPS and ours and found.key.name in (CONFIG_MAP, PARAMETERS):
            # Any setting may change what is compared.
            for key in self._applications.names():
                self._add(key)
        elif found.group_kind == PROJECT:
            if ours and new is not None and (new.deletion_timestamp or orphaned_tokens(new)):
                self._add_project(new.key.name)
            for stored in self._applications.readable():
                if (stored.app.spec.project or DEFAULT_PROJECT) == found.key.name:
                    self._add(stored.key)

    def of_object(self, old: Seen | None, new: Seen | None) -> Iterator[str]:
        """Applications that a change of an object concerns, whatever cluster it is on."""
        found = new or old
        assert found is not None
        yield from self._concerned(old, new, found.group_kind != APPLICATION or _asks(_whole(old), _whole(new)))

    def _concerned(self, old: Seen | None, new: Seen | None, asked: bool) -> Iterator[str]:
        found = new or old
        assert found is not None
        yield from self._declaring(found, old, new)
        if found.group_kind in LENDING:
            yield from self._applications.borrowing(found.key)
        if not asked and not _is_seen_by_others(_whole(old), _whole(new)):
            return
        for instance in {_instance(old), _instance(new)} - {""}:
            key = self._applications.key_of_instance(instance)
            if self._applications.ours(key) and self._applications.live(key) is not None:
                yield key

    def _application(self, key: ResourceKey, old: LiveObject | None, new: LiveObject | None, asked: bool) -> None:
        for other in self._definers.take(old, new):
            self._add(other)
        if asked:
            name = f"{key.namespace}/{key.name}"
            self._applications.changed(name)
            self._add(name)

    def _declaring(self, found: Seen, old: Seen | None, new: Seen | None) -> list[str]:
        """Applications of an object that bears no mark."""
        if found.group_kind == CRD:
            return self._definers.of(found.key.name)
        if found.group_kind == NAMESPACE and _metadata(old) != _metadata(new):
            return self._applications.keeping(found.key.name)
        return []


def _whole(seen: Seen | None) -> LiveObject | None:
    return seen if isinstance(seen, LiveObject) else None


def _metadata(seen: Seen | None) -> tuple[dict[str, str], dict[str, str]] | None:
    live = _whole(seen)
    return (live.labels, live.annotations) if live else None


def _leaves(old: LiveObject | None, new: LiveObject) -> bool:
    """Whether an application may need its project less than before: it is being deleted, or names another."""
    if old is None:
        return False
    projects = [msgspec.json.decode(live.body, type=_Wanted).spec for live in (old, new)]
    return old.deletion_timestamp != new.deletion_timestamp or bytes(projects[0]) != bytes(projects[1])


def _instance(seen: Seen | None) -> str:
    """What is no more than a node bears nobody's mark."""
    live = _whole(seen)
    return owner_instance(live.annotations, live.key) if live else ""


def _asks(old: LiveObject | None, new: LiveObject | None) -> bool:
    """Whether a change of an Application is somebody's, rather than a status that we wrote ourselves."""
    if old is None or new is None:
        return True
    if (_others(old.annotations), old.finalizers, old.deletion_timestamp, old.labels) != (
        _others(new.annotations),
        new.finalizers,
        new.deletion_timestamp,
        new.labels,
    ):
        return True
    before, after = (msgspec.json.decode(live.body, type=_Wanted) for live in (old, new))
    if bytes(before.spec) != bytes(after.spec) or before.operation != after.operation:
        return True
    # Termination is asked for in the status.
    return _phase(before) != _phase(after)


def _others(annotations: dict[str, str]) -> dict[str, str]:
    """Annotations that are not written by a pass itself."""
    if CHANGED_BY not in annotations:
        return annotations
    return {name: value for name, value in annotations.items() if name != CHANGED_BY}


def _is_seen_by_others(old: LiveObject | None, new: LiveObject | None) -> bool:
    """Whether a change of a child Application's status is one for the application that declares it: that of its health
    is. A commit to a monorepo writes all children, and each would wake their parent."""
    if old is None or new is None:
        return True
    before, after = (msgspec.json.decode(live.body, type=_Healthy) for live in (old, new))
    return before != after


def _phase(wanted: _Wanted) -> str:
    state = wanted.status.operation_state if wanted.status else None
    return state.phase if state else ""
