"""``resource.customizations``: what the settings say about kinds, in both of Argo CD's notations.

One key for each part, ``resource.customizations.<part>.<group>_<Kind>`` (``Kind`` alone for the core group), or one map
``resource.customizations`` from ``<group>/<Kind>``, where ``*`` is a glob, to all parts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kubegrammar.yaml import YamlError, load
from trueup.model.application import IgnoreDifference

PREFIX = "resource.customizations"
ALL = "all"


class Override(msgspec.Struct, frozen=True):
    """One part of one kind.

    Attributes:
        place: the key in the settings.
        part: ``ignoreDifferences``, ``health``, ``actions``, …
        group, kind: globs.
        text: as written.
    """

    place: str
    part: str
    group: str
    kind: str
    text: str


class OverrideProblem(msgspec.Struct, frozen=True):
    """A part that cannot be read, and the kinds it is for."""

    place: str
    group: str
    kind: str
    reason: str


class _Ignored(msgspec.Struct, frozen=True, rename="camel"):
    json_pointers: list[str] | None = None
    jq_path_expressions: list[str] | None = msgspec.field(default=None, name="jqPathExpressions")
    managed_fields_managers: list[str] | None = None


def overrides(data: Mapping[str, str]) -> tuple[list[Override], list[OverrideProblem]]:
    """All parts of all kinds, in the order of their places; and what cannot be read."""
    found: list[Override] = []
    problems: list[OverrideProblem] = []
    for place in sorted(data):
        if place == PREFIX:
            try:
                found += _whole(data[place])
            except (YamlError, msgspec.ValidationError) as error:
                problems.append(OverrideProblem(place, "*", "*", f"is no map of customizations: {error}"))
        elif place.startswith(PREFIX + "."):
            part, _, name = place.removeprefix(PREFIX + ".").partition(".")
            group, kind = _kind(part, name)
            if not kind:
                problems.append(OverrideProblem(place, "*", "*", "is not <part>.<group>_<Kind>"))
            else:
                found.append(Override(place, part, group, kind, data[place]))
    return found, problems


def ignore_rules(
    parts: list[Override],
) -> tuple[list[tuple[str, IgnoreDifference]], list[OverrideProblem]]:
    """(place, rule) of the differences that are ignored for everybody; and what cannot be read."""
    rules: list[tuple[str, IgnoreDifference]] = []
    problems: list[OverrideProblem] = []
    for part in parts:
        if part.part != "ignoreDifferences":
            continue
        try:
            read = msgspec.convert(load(part.text.encode(), part.place) or {}, type=_Ignored)
        except (YamlError, msgspec.ValidationError) as error:
            problems.append(OverrideProblem(part.place, part.group, part.kind, f"cannot be read: {error}"))
            continue
        rule = IgnoreDifference(
            group=part.group,
            kind=part.kind,
            json_pointers=read.json_pointers or [],
            jq_path_expressions=read.jq_path_expressions or [],
            managed_fields_managers=read.managed_fields_managers or [],
        )
        rules.append((part.place, rule))
    return rules, problems


def _kind(part: str, name: str) -> tuple[str, str]:
    if name == ALL and part in ("ignoreDifferences", "ignoreResourceUpdates"):
        return "*", "*"
    pieces = name.split("_")
    if len(pieces) == 2 and pieces[1]:
        return pieces[0], pieces[1]
    return ("", pieces[0]) if len(pieces) == 1 else ("", "")


def _whole(text: str) -> Iterator[Override]:
    entries = msgspec.convert(load(text.encode(), PREFIX) or {}, type=dict[str, dict[str, Any] | None])
    for name, parts in entries.items():
        group, slash, kind = name.rpartition("/")
        for part, value in (parts or {}).items():
            known = "health" if part == "health.lua" else part
            shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            yield Override(f"{PREFIX}: {name}: {part}", known, group if slash else "", kind, shown)
