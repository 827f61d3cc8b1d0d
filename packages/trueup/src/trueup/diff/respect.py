"""``RespectIgnoreDifferences=true``: what may differ from Git is written as it is, or left to those who own it.

Argo CD ``controller/sync.go`` normalizeTargetResources, which always sends the live value. By a server-side apply that
would make us an owner of it, so here a value goes along only where its absence would remove it.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import msgspec

from kubegrammar.json import canonical, digest
from kubegrammar.patch import equal
from trueup.diff.change import ABSENT
from trueup.diff.elements import identity
from trueup.diff.jq import JqFacts
from trueup.diff.normalise import comparable
from trueup.diff.ownership import fields_at, fields_of, is_whole
from trueup.diff.pairing import Pair
from trueup.diff.rules import NO_FACTS, leave_out
from trueup.model.annotations import FIELD_MANAGER, LAST_APPLIED
from trueup.model.application import IgnoreDifference

Path = tuple[str | int, ...]
Keep = Callable[[Path], bool]

OURS = frozenset({FIELD_MANAGER, "kubectl-client-side-apply", "before-first-apply"})
"""Managers whose fields an apply of ours takes away when it does not name them: the last two are taken over first."""

_KEYS = ("name", "key", "containerPort", "port", "mountPath", "devicePath", "ip", "type", "topologyKey", "uid")
"""What items of lists are known by (``x-kubernetes-list-map-keys`` of the built-in kinds)."""

_PROTOCOL = ("protocol", "TCP")
_WHOLE = "*"
"""Of an item that is no object: it is known by its value."""


def respected(wanted: dict[str, Any], live: dict[str, Any], left: tuple[Any, Any], keep: Keep) -> dict[str, Any]:
    """The object to send: Git's values, and at the places that may differ what is live, where it is to be kept.

    Args:
        wanted, live: both comparable (:func:`trueup.diff.normalise.comparable`): neither has a status.
        left: the two without what may differ (:func:`trueup.diff.rules.leave_out`).
        keep: whether a live value that may differ, by its path in ``live``, has to go along.
    """
    # A rule for the whole object leaves nothing of it.
    rebuilt = _identified(_Rebuild(keep).fields(wanted, _dict(left[0]), live, _dict(left[1]), ()), wanted)
    return {name: rebuilt[name] for name in (*wanted, *rebuilt) if name in rebuilt}


def respecting(pair: Pair, rules: list[IgnoreDifference], jq: JqFacts = NO_FACTS, *, applied: bool) -> Pair:
    """A pair with the object to send as its target. What is not live is sent as Git has it.

    Args:
        rules: those for this object.
        jq: what their jq expressions name in it.
        applied: it is written by a server-side apply, which leaves alone what it does not name.
    """
    if pair.target is None or pair.live is None or not rules:
        return pair
    live = pair.live.object()
    declared, seen = comparable(pair.target.object()), comparable(live)
    keep = owned(live) if applied else always
    made = respected(declared, seen, leave_out(declared, seen, live, rules, (jq.declared, jq.live)), keep)
    if made == declared:
        return pair
    body = canonical(made)
    return msgspec.structs.replace(pair, target=msgspec.structs.replace(pair.target, body=body, digest=digest(body)))


def _identified(made: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The object with its kind and name, which no rule takes away."""
    names = {name: wanted["metadata"][name] for name in ("name", "namespace") if name in wanted["metadata"]}
    metadata = made.get("metadata") or {}
    return {**made, "apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {**metadata, **names}}


def always(_: Path) -> bool:
    """For a write that removes whatever it does not name: a replacement, a client-side merge."""
    return True


def owned(live: dict[str, Any]) -> Keep:
    """For a server-side apply: what would go if it were not named, because we own it and nobody names it any more.

    Args:
        live: the whole object, with its managedFields and the record of its last client-side apply.
    """
    ours = fields_of(live, OURS)
    records = fields_of(live)
    memory = _last_applied(live)

    def keep(path: Path) -> bool:
        if any(fields_at(record, live, path) is not None for record in ours) or _names(memory, path):
            return True
        # Lists and maps that are owned as a whole are sent as a whole.
        return any(is_whole(record, live, path[:end]) for record in records for end in range(1, len(path)))

    return keep


class _Rebuild:
    def __init__(self, keep: Keep) -> None:
        self.keep = keep

    def value(self, wanted: Any, left_wanted: Any, live: Any, left_live: Any, path: Path) -> Any:
        """One value, ABSENT where nothing is to be sent. Each of the four may be ABSENT."""
        inner: Any = None
        if isinstance(live, dict) and (isinstance(wanted, dict) or wanted is ABSENT):
            inner = self.fields(_dict(wanted), _dict(left_wanted), live, _dict(left_live), path)
        elif isinstance(live, list) and isinstance(wanted, list) and (left_wanted, left_live) != (ABSENT, ABSENT):
            inner = self.items(wanted, _list(left_wanted), live, _list(left_live), path)
        if inner or (inner is not None and equal(inner, left_wanted)):
            return inner
        if inner is not None and live:
            return ABSENT
        if _of_two_kinds(wanted, live) and (left_wanted, left_live) != (ABSENT, ABSENT):
            return wanted
        ignored = (live is not ABSENT and left_live is ABSENT) or (wanted is not ABSENT and left_wanted is ABSENT)
        if not ignored:
            return wanted
        return live if live is not ABSENT and self.keep(path) else ABSENT

    def fields(
        self,
        wanted: dict[str, Any],
        left_wanted: dict[str, Any],
        live: dict[str, Any],
        left_live: dict[str, Any],
        path: Path,
    ) -> dict[str, Any]:
        if equal(wanted, left_wanted) and equal(live, left_live):
            return wanted
        made = {
            name: self.value(
                wanted.get(name, ABSENT),
                left_wanted.get(name, ABSENT),
                live.get(name, ABSENT),
                left_live.get(name, ABSENT),
                (*path, name),
            )
            for name in (*wanted, *(name for name in live if name not in wanted))
        }
        return {name: value for name, value in made.items() if value is not ABSENT}

    def items(
        self, wanted: list[Any], left_wanted: list[Any], live: list[Any], left_live: list[Any], path: Path
    ) -> list[Any]:
        if equal(wanted, left_wanted) and equal(live, left_live):
            return wanted
        left_of, left_in = _aligned(wanted, left_wanted), _aligned(live, left_live)
        places = _places(wanted, live)
        made = []
        for item, left, place in zip(wanted, left_of, places, strict=True):
            if place < 0:
                made.append(ABSENT if left is ABSENT else item)
            else:
                made.append(self.value(item, left, live[place], left_in[place], (*path, place)))
        for place, item in enumerate(live):
            if place not in places and left_in[place] is ABSENT and self.keep((*path, place)):
                made.append(item)
        return [item for item in made if item is not ABSENT]


def _of_two_kinds(wanted: Any, live: Any) -> bool:
    """Whether one is a map or a list and the other is none: no part of the one is a part of the other."""
    there = wanted is not ABSENT and live is not ABSENT
    return there and any(isinstance(wanted, k) != isinstance(live, k) for k in (dict, list))


def _dict(value: Any) -> dict[str, Any]:
    """A map that lost all it had is gone with it."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _aligned(whole: Sequence[Any], left: Sequence[Any]) -> list[Any]:
    """What is left of each item of a list, ABSENT where it was taken out: the others keep their order."""
    found: list[Any] = []
    for index, item in enumerate(whole):
        taken = sum(entry is not ABSENT for entry in found)
        fits = taken < len(left) and len(left) - taken <= len(whole) - index and _is_left_of(left[taken], item)
        found.append(left[taken] if fits else ABSENT)
    return found


def _is_left_of(left: Any, whole: Any) -> bool:
    """Whether a value is another one with some of it taken out."""
    if isinstance(left, dict) and isinstance(whole, dict):
        return all(name in whole and _is_left_of(value, whole[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(whole, list):
        return sum(entry is not ABSENT for entry in _aligned(whole, left)) == len(left)
    return equal(left, whole)


def _places(wanted: list[Any], live: list[Any]) -> list[int]:
    """Where each item is in the live list, -1 where it is not: the one with its key or, among such as have none in two
    lists of one length, the one at its place."""
    index = _Index(live)
    places: list[int] = []
    for number, item in enumerate(wanted):
        found = index.take(item)
        keyless = found < 0 and len(wanted) == len(live) and not any(key in _dict(item) for key in _KEYS)
        places.append(index.take_place(number) if keyless else found)
    return places


class _Index:
    """The items of a list by what they are known by; each is taken once, the first one first."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items
        self._by_key: dict[str, dict[Hashable, deque[int]]] = {}
        self._taken: set[int] = set()

    def take(self, item: Any) -> int:
        """The place of the item that is this one, -1 where none is left."""
        key = next((key for key in _KEYS if key in item), "") if isinstance(item, dict) else _WHOLE
        waiting = self._of(key).get(_known_by(item, key)) if key else None
        while waiting:
            place = waiting.popleft()
            if place not in self._taken:
                self._taken.add(place)
                return place
        return -1

    def take_place(self, place: int) -> int:
        """A place, if it is free."""
        if place in self._taken:
            return -1
        self._taken.add(place)
        return place

    def _of(self, key: str) -> dict[Hashable, deque[int]]:
        if key not in self._by_key:
            places: dict[Hashable, deque[int]] = defaultdict(deque)
            for place, item in enumerate(self._items):
                if key == _WHOLE or isinstance(item, dict):
                    places[_known_by(item, key)].append(place)
            self._by_key[key] = places
        return self._by_key[key]


def _known_by(item: Any, key: str) -> Hashable:
    if key == _WHOLE:
        return identity(item)
    return (identity(item.get(key)), identity(item.get(*_PROTOCOL)))


def _last_applied(live: dict[str, Any]) -> Any:
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    try:
        return msgspec.json.decode(annotations.get(LAST_APPLIED) or "null")
    except msgspec.DecodeError:
        return None


def _names(memory: Any, path: Path) -> bool:
    """Whether the last client-side apply named a field; in a list any item may be the one."""
    for step in path:
        if isinstance(step, int):
            return bool(memory)
        if not isinstance(memory, dict) or step not in memory:
            return False
        memory = memory[step]
    return True
