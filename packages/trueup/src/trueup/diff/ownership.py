"""Field ownership as ``metadata.managedFields`` records it (FieldsV1 of structured-merge-diff)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from kubegrammar.patch import equal
from trueup.diff.elements import Elements
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.live import LiveObject

Fields = dict[str, Any]
"""A FieldsV1 node: ``f:<field>``, ``k:<keys>``, ``v:<value>`` → node; ``.`` is the thing itself; a leaf is empty."""

_TAKEN_OVER = ("kubectl-client-side-apply", "before-first-apply")
_AMBIGUOUS = 64
"""Names of a record that may fit one element that leaves a key out; with more the server is asked."""
_IDENTITY = ("apiVersion", "kind")
_IDENTITY_METADATA = ("name", "namespace", "generateName")


def applied_fields(live: dict[str, Any], api_version: str, manager: str = FIELD_MANAGER) -> Fields | None:
    """The fields the manager owns by its last apply, None when there is no such record or not it alone.

    An ``Update`` entry of ours is a client-side apply that has not been migrated, as are kubectl's, whose fields our
    next write takes over (cluster-truths 3); an entry in another version has other fields (cluster-truths 10). None
    of them can be compared with.
    """
    whole = [entry for entry in _entries(live) if not entry.get("subresource")]
    if any(entry.get("manager") in _TAKEN_OVER for entry in whole):
        return None
    entries = [entry for entry in whole if entry.get("manager") == manager and isinstance(entry.get("fieldsV1"), dict)]
    if len(entries) != 1 or entries[0].get("operation") != "Apply" or entries[0].get("apiVersion") != api_version:
        return None
    fields: Fields = entries[0]["fieldsV1"]
    return fields


def last_applied(live: dict[str, Any], manager: str = FIELD_MANAGER) -> dict[str, Any]:
    """The part of an object that the manager's last server-side apply owns; nothing where there was none in the version
    that ``live`` has."""
    for entry in _entries(live):
        ours = entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
        fields = entry.get("fieldsV1")
        if ours and entry.get("apiVersion") == live.get("apiVersion") and isinstance(fields, dict) and fields:
            part: dict[str, Any] = _owned(live, fields)
            return part
    return {}


def fields_of(live: dict[str, Any], managers: frozenset[str] | None = None) -> list[Fields]:
    """Every record of the named managers, of all where none are named, whatever the operation."""
    entries = [entry for entry in _entries(live) if managers is None or entry.get("manager") in managers]
    return [fields for entry in entries if isinstance(fields := entry.get("fieldsV1"), dict)]


def fields_at(fields: Fields, live: Any, path: Sequence[str | int]) -> Fields | None:
    """The node of a record at a place of the live object: an empty one inside of what is owned as a whole, None where
    the record says nothing of the place."""
    value: Any = live
    for step in path:
        if not fields:
            return {}
        if isinstance(step, str):
            found = fields.get(f"f:{step}")
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
            found = next((node for name, node in fields.items() if _is_item(name, value)), None)
        if not isinstance(found, dict):
            return None
        fields = found
    return fields


def owners(live: LiveObject, *path: str) -> list[str]:
    """The field managers that the API server has on record for a field or a part of it, the latest first."""
    entries = live.object()["metadata"].get("managedFields") or []
    records = [(entry, entry.get("fieldsV1")) for entry in entries]
    found = [entry for entry, fields in records if fields and fields_at(fields, {}, path) is not None]
    found.sort(key=lambda entry: entry.get("time") or "", reverse=True)
    return [str(entry.get("manager") or "unknown") for entry in found]


def is_whole(fields: Fields, live: Any, path: Sequence[str | int]) -> bool:
    """Whether a record owns what is at a place as a whole, not by its parts."""
    return fields_at(fields, live, path) == {}


def _is_item(name: str, item: Any) -> bool:
    known = _decode(name)
    return (name.startswith("k:") and _has_keys(item, known)) or (name.startswith("v:") and equal(item, known))


def holds(desired: dict[str, Any], live: dict[str, Any], fields: Fields) -> bool:
    """Whether applying ``desired`` is certain to change nothing.

    So it is when the manager owns exactly the fields that ``desired`` has, and each has its value: nothing is to be
    added, changed, taken over or removed. Where lists of the object do not tell, or a value might be equal after
    defaulting, the answer is False: ask the server.
    """
    wanted = {name: value for name, value in desired.items() if name not in _IDENTITY}
    metadata = wanted.get("metadata")
    if isinstance(metadata, dict):
        wanted["metadata"] = {name: value for name, value in metadata.items() if name not in _IDENTITY_METADATA}
        if not wanted["metadata"] and "f:metadata" not in fields:
            del wanted["metadata"]
    # An object that declares nothing but itself is owned in no field.
    return _holds(wanted, live, fields) if wanted and fields else not wanted and not fields


def _holds(desired: Any, live: Any, fields: Fields) -> bool:
    inner = {name: node for name, node in fields.items() if name != "."}
    if not inner:
        # Owned as a whole: a scalar, an atomic list or map.
        return equal(desired, live)
    if isinstance(desired, dict) and isinstance(live, dict):
        return inner.keys() == {f"f:{name}" for name in desired} and all(
            name in live and _holds(value, live[name], inner[f"f:{name}"]) for name, value in desired.items()
        )
    if isinstance(desired, list) and isinstance(live, list):
        if all(name.startswith("k:") for name in inner):
            return _elements_hold(desired, live, inner)
        if all(name.startswith("v:") for name in inner):
            if len(inner) != len(desired):
                return False
            owned, seen = Elements([_decode(name) for name in inner]), Elements(live)
            ours = all(_only(owned.equal_to(value)) >= 0 for value in desired)
            return ours and _in_order([_only(seen.equal_to(value)) for value in desired])
    return False


def _elements_hold(desired: list[Any], live: list[Any], nodes: Fields) -> bool:
    """A list of elements known by key: each owned element is wanted once, is live once, and holds."""
    if len(nodes) != len(desired):
        return False
    names = list(nodes)
    keys = [_decode(name) for name in names]
    fields = keys[0].keys() if isinstance(keys[0], dict) else set()
    if not fields or any(not isinstance(each, dict) or each.keys() != fields for each in keys):
        return False
    named, seen = Elements(keys), Elements(live)
    unmatched = set(range(len(names)))
    places: list[int] = []
    for element in desired:
        # A key may have a default (``protocol: TCP``) that a manifest leaves to the server.
        given = {name: element[name] for name in fields if name in element} if isinstance(element, dict) else {}
        fitting = named.with_keys(given) if given else []
        found = [place for place in fitting if place in unmatched] if len(fitting) <= _AMBIGUOUS else []
        if len(found) != 1:
            return False
        unmatched.remove(found[0])
        place = _only(seen.with_keys(keys[found[0]]))
        if place < 0 or not _holds(element, live[place], nodes[names[found[0]]]):
            return False
        places.append(place)
    return _in_order(places)


def _only(places: list[int]) -> int:
    """The place where there is one, else -1."""
    return places[0] if len(places) == 1 else -1


def _in_order(places: list[int]) -> bool:
    return all(place >= 0 for place in places) and all(a < b for a, b in pairwise(places))


def _has_keys(element: Any, keys: Any) -> bool:
    if not isinstance(element, dict) or not isinstance(keys, dict):
        return False
    return all(equal(element.get(name), keys[name]) for name in keys)


def _owned(value: Any, fields: Fields) -> Any:
    """The part of a value that a record names; elements of lists with those of their fields that it names."""
    if not fields:
        return value
    # A dot alone is the map or list itself, whoever has what is in it.
    inner = {name: node for name, node in fields.items() if name != "."}
    if isinstance(value, dict):
        named = {name[2:]: node for name, node in inner.items() if name.startswith("f:")}
        return {name: _owned(value[name], node) for name, node in named.items() if name in value}
    if isinstance(value, list):
        elements = Elements(value)
        return [part for name, node in inner.items() for part in _owned_elements(value, elements, name, node)]
    return value


def _owned_elements(items: list[Any], elements: Elements, name: str, node: Fields) -> list[Any]:
    known = _decode(name)
    found = [items[place] for place in elements.named(name, known)]
    return [{**_owned(item, node), **known} for item in found] if name.startswith("k:") else found


def nodes_of(fields: Fields, items: Sequence[Any]) -> list[Fields | None]:
    """What a record says of each element of a list; None where it does not name it."""
    elements = Elements(items)
    found: list[Fields | None] = [None] * len(items)
    for name, node in fields.items():
        for place in elements.named(name, _decode(name)):
            if found[place] is None:
                found[place] = node
    return found


def without(value: Any, fields: Fields) -> Any:
    """A copy without the fields a record names; elements of lists keep their keys."""
    if isinstance(value, dict):
        kept = dict(value)
        for name, node in fields.items():
            field = name[2:]
            if not name.startswith("f:") or field not in kept:
                continue
            left = None if node.keys() <= {"."} else without(kept[field], node)
            if left in (None, {}, []):
                del kept[field]
            else:
                kept[field] = left
        return kept
    if isinstance(value, list):
        return _list_without(value, fields)
    return value


def _list_without(items: list[Any], fields: Fields) -> list[Any]:
    elements = Elements(items)
    left: list[Any] = list(items)
    gone: set[int] = set()
    for name, node in fields.items():
        known = _decode(name)
        places = elements.named(name, known)
        if name.startswith("v:") or "." in node:
            gone.update(places)
        elif isinstance(known, dict):
            inner = {field: child for field, child in node.items() if field[2:] not in known}
            for place in places:
                left[place] = without(left[place], inner)
    return [item for place, item in enumerate(left) if place not in gone]


def _entries(live: dict[str, Any]) -> list[dict[str, Any]]:
    metadata = live.get("metadata")
    entries = metadata.get("managedFields") if isinstance(metadata, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _decode(name: str) -> Any:
    """The JSON behind ``k:`` and ``v:``; None where it is none."""
    try:
        return msgspec.json.decode(name[2:])
    except msgspec.DecodeError:
        return None
