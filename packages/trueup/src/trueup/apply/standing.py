"""What stands in the way of an apply that the server refuses, and that an apply cannot remove, for it is not ours:

- a list item made of ours: somebody changed its key, and both cannot be there (a Service port 80 made 81 by
  ``kubectl edit``: two ports of one name);
- a field that Git does not declare, named by the refusal: the member of a union that was filled in by default and
  does not go with what Git declares now (``rollingUpdate`` beside ``OnDelete``).

Taken over is only what the refusal is about and what nobody owns, or people's tools alone: what a controller adds is
never taken for an edit.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from kubegrammar import pattern
from kubegrammar.merge import Type, identities
from kubegrammar.merge.typed import kind_of, member_type
from kubegrammar.patch import equal
from trueup.diff.ownership import Fields, nodes_of
from trueup.kube.errors import Invalid
from trueup.model.annotations import FIELD_MANAGER

Object = dict[str, Any]

_MOST_COMPARED = 100_000
"""Pairs of a missing element and an edited one that are compared; of more, nobody could say which was made of which."""

_INDEX: Final = pattern.compile(r"\[[^]]*\]")
_PEOPLE: Final = frozenset({"argocd-server", "curl", "dashboard", "k9s", "Mozilla", "node-fetch", "oc"})
"""Field managers that are people's tools: Argo CD's page, consoles; and whatever begins with ``kubectl``."""


class Standing(msgspec.Struct, frozen=True):
    """What stands in the way.

    Attributes:
        ours: what may be taken over, in the form of an object that was applied and is no longer declared; or None.
        others: list items that may not, each with who owns it, for people.
    """

    ours: Object | None = None
    others: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """What people can do about it; empty where they need not."""
        if self.ours is not None or not self.others:
            return ""
        return f"{'; '.join(self.others)}: remove it there, or let Git declare it"


class _Owner(msgspec.Struct, frozen=True):
    """Who owns fields at a place, and which."""

    name: str
    person: bool
    fields: Fields


def in_the_way(wanted: Object, live: Object, type_: Type, refusal: Invalid) -> Standing:
    """What the refusal of an apply is about, and who owns it."""
    search = _Search({_INDEX.sub("", cause.field) for cause in refusal.causes if cause.field})
    entries = (live.get("metadata") or {}).get("managedFields") or []
    owners = [
        _Owner(str(entry.get("manager") or ""), _is_person(entry), entry["fieldsV1"])
        for entry in entries
        if isinstance(entry, dict) and not entry.get("subresource") and isinstance(entry.get("fieldsV1"), dict)
    ]
    found = search.within(wanted, live, type_, owners, "")
    return Standing(found or None, tuple(search.others))


def _is_person(entry: Object) -> bool:
    manager = str(entry.get("manager") or "")
    # Our own update entry is an earlier merge of ours.
    tool = manager == FIELD_MANAGER or manager in _PEOPLE or manager.startswith("kubectl")
    return entry.get("operation") == "Update" and tool


class _Search:
    def __init__(self, blamed: set[str]) -> None:
        self.blamed = blamed
        self.others: list[str] = []

    def within(self, wanted: Object, live: Object, type_: Type, owners: list[_Owner], path: str) -> Object:
        found: Object = {}
        for name, there in live.items():
            who = _owners_of_field(owners, name)
            if path and name not in wanted and f"{path}.{name}" in self.blamed and all(one.person for one in who):
                found[name] = there
        for name, value in wanted.items():
            place = f"{path}.{name}" if path else name
            if not any(field == place or field.startswith(f"{place}.") for field in self.blamed):
                continue
            there, inner = live.get(name), kind_of(value, member_type(type_, name))[1]
            deeper = _owners_of_field(owners, name)
            part: Any = None
            if isinstance(value, dict) and isinstance(there, dict):
                part = self.within(value, there, inner, deeper, place)
            elif isinstance(value, list) and isinstance(there, list):
                part = self.among(value, there, inner, deeper, place)
            if part:
                found[name] = part
        return found

    def among(self, wanted: list[Any], live: list[Any], type_: Type, owners: list[_Owner], path: str) -> list[Any]:
        ours, theirs = identities(wanted, type_), identities(live, type_)
        if ours is None or theirs is None or not type_.keys:
            return []
        declared, there = dict(zip(ours, wanted, strict=True)), dict(zip(theirs, live, strict=True))
        element = kind_of({}, type_.element)[1] if type_.element else type_
        owned = dict(zip(there, _owners_of_items(owners, list(there.values())), strict=True))
        found: list[Any] = []
        for identity in [identity for identity in declared if identity in there]:
            item = there[identity]
            part = self.within(declared[identity], item, element, owned[identity], path)
            if part:
                found.append({**_keys_of(item, type_), **part})
        missing = [item for identity, item in declared.items() if identity not in there]
        edited: list[Any] = []
        for identity, item in ((identity, item) for identity, item in there.items() if identity not in declared):
            who = owned[identity]
            if who and all(one.person for one in who):
                edited.append(item)
            elif who and missing:
                names = ", ".join(sorted({one.name for one in who}))
                keys = ",".join(f"{key}={value}" for key, value in _keys_of(item, type_).items())
                self.others.append(f"{path}[{keys}] is of {names}")
        return [*found, *_matched(missing, edited, type_.keys, alike=len(wanted) != len(live))]


def _keys_of(item: Object, type_: Type) -> Object:
    return {key: item[key] for key in type_.keys if key in item}


def _owners_of_field(owners: Iterable[_Owner], name: str) -> list[_Owner]:
    field = f"f:{name}"
    return [_Owner(one.name, one.person, one.fields[field]) for one in owners if field in one.fields]


def _owners_of_items(owners: Iterable[_Owner], items: list[Any]) -> list[list[_Owner]]:
    """Who has a part in each element of a list."""
    found: list[list[_Owner]] = [[] for _ in items]
    for one in owners:
        for who, node in zip(found, nodes_of(one.fields, items), strict=True):
            if node is not None:
                who.append(_Owner(one.name, one.person, node))
    return found


def _matched(missing: list[Any], edited: list[Any], keys: tuple[str, ...], *, alike: bool) -> list[Any]:
    """For each item that is missing the one that was made of it: the one that has most of its other fields.

    Args:
        alike: it has to have at least one.
    """
    found: list[Any] = []
    left = list(edited)
    if len(missing) * len(left) > _MOST_COMPARED:
        return found
    for item in missing:
        scored = [
            (sum(equal(other.get(name), value) for name, value in item.items() if name not in keys), -index)
            for index, other in enumerate(left)
        ]
        if scored and (best := max(scored))[0] >= int(alike):
            found.append(left.pop(-best[1]))
    return found
