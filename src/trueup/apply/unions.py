"""Union fields whose defaulted member nobody owns, so that no server-side apply can remove it (cluster-truths 2)."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from trueup.model.resource import GroupKind


class Union(msgspec.Struct, frozen=True):
    """``member`` may be set only while ``discriminator`` has ``value``; both lie below ``field`` (dotted path)."""

    group: str
    kind: str
    field: str
    discriminator: str
    member: str
    value: str


@cache
def unions() -> tuple[Union, ...]:
    """The table of ``data/unions.json``."""
    text = files("trueup.apply").joinpath("data/unions.json").read_bytes()
    return tuple(msgspec.json.decode(text, type=list[Union]))


def union_patch(kind: GroupKind, wanted: dict[str, Any], live: dict[str, Any]) -> dict[str, Any] | None:
    """A strategic merge patch that leaves the members Git no longer asks for; None when no union is at fault."""
    patch: dict[str, Any] = {}
    for union in unions():
        if GroupKind(union.group, union.kind) != kind:
            continue
        path = union.field.split(".")
        asked, there = _at(wanted, path), _at(live, path)
        value = asked.get(union.discriminator)
        if value in (None, union.value) or union.member in asked or union.member not in there:
            continue
        place = patch
        for name in path:
            place = place.setdefault(name, {})
        # $retainKeys drops every sibling that is not named here.
        place.update({**asked, "$retainKeys": sorted(asked)})
    return patch or None


def _at(value: Any, path: list[str]) -> dict[str, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
