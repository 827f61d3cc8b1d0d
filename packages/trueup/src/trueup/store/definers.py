"""Which applications declare which definitions.

A definition bears no mark: who deletes one deletes all its objects, so it belongs to nobody. Those who declare it are
known by their statuses alone.
"""

from collections.abc import Callable, Iterable

import msgspec

from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind
from trueup.plan.kinds import CRD
from trueup.store.applications import key_of

_MENTION = f'"{CRD.kind}"'.encode()


class _Line(msgspec.Struct, frozen=True):
    group: str = ""
    kind: str = ""
    name: str = ""


class _Status(msgspec.Struct, frozen=True):
    resources: list[_Line] = []


class _Body(msgspec.Struct, frozen=True):
    status: _Status | None = None


class Definers:
    """Applications by the definitions they declare: read once as they are stored, then kept up with every change.

    Args:
        stored: the Applications there are.
    """

    def __init__(self, stored: Callable[[], Iterable[LiveObject]]) -> None:
        self._stored = stored
        self._declared: dict[str, frozenset[str]] | None = None
        self._definers: dict[str, set[str]] = {}

    def take(self, old: LiveObject | None, new: LiveObject | None) -> set[str]:
        """Learn of a change of an Application; gives the others that declare what it has begun or ceased to declare."""
        found = new or old
        assert found is not None
        return self._take(self._known(), key_of(found), _definitions(new) if new is not None else frozenset())

    def of(self, definition: str) -> list[str]:
        """Applications (``namespace/name``) that declare a definition, sorted."""
        self._known()
        return sorted(self._definers.get(definition, ()))

    def _known(self) -> dict[str, frozenset[str]]:
        if self._declared is None:
            self._declared = {}
            for live in self._stored():
                self._take(self._declared, key_of(live), _definitions(live))
        return self._declared

    def _take(self, declared: dict[str, frozenset[str]], key: str, now: frozenset[str]) -> set[str]:
        before = declared.get(key, frozenset())
        concerned: set[str] = set()
        for name in before ^ now:
            definers = self._definers.setdefault(name, set())
            (definers.add if name in now else definers.discard)(key)
            concerned |= definers
            if not definers:
                del self._definers[name]
        if now:
            declared[key] = now
        else:
            declared.pop(key, None)
        return concerned - {key}


def _definitions(live: LiveObject) -> frozenset[str]:
    if _MENTION not in live.body:
        return frozenset()
    try:
        status = msgspec.json.decode(live.body, type=_Body).status
    except msgspec.ValidationError:
        # It is written anew in the application's next pass.
        return frozenset()
    lines = status.resources if status else []
    return frozenset(line.name for line in lines if GroupKind(line.group, line.kind) == CRD)
