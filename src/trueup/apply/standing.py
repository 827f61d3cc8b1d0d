"""What stands in the way of an apply that the server refuses, and that an apply cannot remove, for it is not ours:

- a list item made of ours: somebody changed its key, and both cannot be there (a Service port 80 made 81 by
  ``kubectl edit``: two ports of one name);
- a field that Git does not declare, named by the refusal: the member of a union that was filled in by default and
  does not go with what Git declares now (``rollingUpdate`` beside ``OnDelete``).

Taken over is only what the refusal is about and what nobody owns, or people's tools alone: what a controller adds is
never taken for an edit.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from trueup.diff.merge import Type, identities
from trueup.diff.merge.typed import kind_of, member_type
from trueup.diff.ownership import Fields, node_of
from trueup.formats.patch import equal
from trueup.kube.errors import Invalid
from trueup.model.annotations import FIELD_MANAGER

Object = dict[str, Any]

_INDEX: Final = re.compile(r"\[[^]]*\]")
_PEOPLE: Final = ("kubectl", "argocd-server", "k9s", "Mozilla", "node-fetch", "oc", "headlamp", "dashboard")
"""Beginnings of the field managers that are people's tools: kubectl and its commands, Argo CD's page, consoles."""


class _Owner(msgspec.Struct, frozen=True):
    """Who owns fields at a place, and which."""

    person: bool
    fields: Fields


def in_the_way(wanted: Object, live: Object, type_: Type, refusal: Invalid) -> Object | None:
    """What stands in the way, in the form of an object that was applied and is no longer declared; None where nothing
    does."""
    blamed = {_INDEX.sub("", cause.field) for cause in refusal.causes if cause.field}
    if not blamed:
        return None
    entries = (live.get("metadata") or {}).get("managedFields") or []
    owners = [
        _Owner(_is_person(entry), entry["fieldsV1"])
        for entry in entries
        if isinstance(entry, dict) and not entry.get("subresource") and isinstance(entry.get("fieldsV1"), dict)
    ]
    return _within(wanted, live, type_, owners, "", blamed)


def _is_person(entry: Object) -> bool:
    manager = str(entry.get("manager") or "")
    # Our own update entry is an earlier merge of ours.
    return entry.get("operation") == "Update" and (manager == FIELD_MANAGER or manager.startswith(_PEOPLE))


def _within(
    wanted: Object, live: Object, type_: Type, owners: list[_Owner], path: str, blamed: set[str]
) -> Object | None:
    found: Object = {}
    for name, there in live.items():
        if name not in wanted and (f"{path}.{name}" if path else name) in blamed:
            who = [one for one in owners if f"f:{name}" in one.fields]
            if path and all(one.person for one in who):
                found[name] = there
    for name, value in wanted.items():
        there = live.get(name)
        inner = kind_of(value, member_type(type_, name))[1]
        deeper = [_Owner(one.person, one.fields[f"f:{name}"]) for one in owners if f"f:{name}" in one.fields]
        place = f"{path}.{name}" if path else name
        part: Any = None
        if not any(field == place or field.startswith(f"{place}.") for field in blamed):
            continue
        if isinstance(value, dict) and isinstance(there, dict):
            part = _within(value, there, inner, deeper, place, blamed)
        elif isinstance(value, list) and isinstance(there, list):
            part = _among(value, there, inner, deeper, place, blamed)
        if part:
            found[name] = part
    return found or None


def _among(
    wanted: list[Any], live: list[Any], type_: Type, owners: list[_Owner], path: str, blamed: set[str]
) -> list[Any]:
    ours, theirs = identities(wanted, type_), identities(live, type_)
    if ours is None or theirs is None or not type_.keys:
        return []
    declared, there = dict(zip(ours, wanted, strict=True)), dict(zip(theirs, live, strict=True))
    element = kind_of({}, type_.element)[1] if type_.element else type_
    found: list[Any] = []
    for identity in declared.keys() & there.keys():
        item = there[identity]
        part = _within(declared[identity], item, element, _owners_of(owners, item), path, blamed)
        if part:
            found.append({**{key: item[key] for key in type_.keys if key in item}, **part})
    missing = [item for identity, item in declared.items() if identity not in there]
    foreign = [item for identity, item in there.items() if identity not in declared]
    edited = [item for item in foreign if (who := _owners_of(owners, item)) and all(one.person for one in who)]
    one_to_one = len(wanted) == len(live)
    return [*found, *_matched(missing, edited, type_.keys, alike=not one_to_one)]


def _owners_of(owners: Iterable[_Owner], item: Any) -> list[_Owner]:
    named = [(one, node_of(one.fields, item)) for one in owners]
    return [_Owner(one.person, node) for one, node in named if node is not None]


def _matched(missing: list[Any], edited: list[Any], keys: tuple[str, ...], *, alike: bool) -> list[Any]:
    """For each item that is missing the one that was made of it: the one that has most of its other fields.

    Args:
        alike: it has to have at least one.
    """
    found: list[Any] = []
    left = list(edited)
    for item in missing:
        scored = [
            (sum(equal(other.get(name), value) for name, value in item.items() if name not in keys), -index)
            for index, other in enumerate(left)
        ]
        if scored and (best := max(scored))[0] >= int(alike):
            found.append(left.pop(-best[1]))
    return found
