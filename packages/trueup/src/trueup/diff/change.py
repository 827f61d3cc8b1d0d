"""Two objects → the fields that differ."""

from typing import Any

import msgspec

from kubegrammar import pattern
from kubegrammar.patch import equal
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.diff.mask import masked

ABSENT = msgspec.UNSET
"""Stands for a field that is not there, which null is not."""

_PLAIN = pattern.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN = 5


class FieldDifference(msgspec.Struct, frozen=True, gc=False):
    """One differing field.

    Attributes:
        path: for people: ``spec.template.spec.containers[name=web].image``.
        before, after: the values; :data:`ABSENT` where there is none.
    """

    path: str
    before: Any
    after: Any


def differences(
    before: dict[str, Any] | None, after: dict[str, Any] | None, lent: Literals = NO_LITERALS
) -> list[FieldDifference]:
    """The smallest fields in which two objects differ, in the order of their paths.

    What only a server decides is left out, and values of Secrets are masked (:mod:`trueup.diff.mask`). Lists whose
    elements all have a ``name`` of their own are compared by name, other lists by position.

    Args:
        lent: texts of Secrets that the objects may have been made with, masked wherever they stand.
    """
    return changes_between(*masked(before, after, lent=lent))


def changes_between(before: Any, after: Any) -> list[FieldDifference]:
    """The same for any two JSON values, nothing left out, nothing masked."""
    return _walk("", before, after)


def describe(changes: list[FieldDifference]) -> str:
    """The paths of changes in one line: ``spec.replicas, spec.paused and 3 more``; values never."""
    shown = ", ".join(change.path or "the whole object" for change in changes[:_SHOWN])
    return f"{shown} and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else shown


def _walk(path: str, before: Any, after: Any) -> list[FieldDifference]:
    if isinstance(before, dict) and isinstance(after, dict):
        changes: list[FieldDifference] = []
        for name in sorted(before.keys() | after.keys()):
            changes += _walk(_field(path, name), before.get(name, ABSENT), after.get(name, ABSENT))
        return changes
    if isinstance(before, list) and isinstance(after, list):
        return _walk_lists(path, before, after)
    if before is ABSENT or after is ABSENT:
        return [] if before is after else [FieldDifference(path, before, after)]
    return [] if equal(before, after) else [FieldDifference(path, before, after)]


def _walk_lists(path: str, before: list[Any], after: list[Any]) -> list[FieldDifference]:
    old, new = _by_name(before), _by_name(after)
    changes: list[FieldDifference] = []
    if old is None or new is None:
        for index in range(max(len(before), len(after))):
            old_item = before[index] if index < len(before) else ABSENT
            new_item = after[index] if index < len(after) else ABSENT
            changes += _walk(f"{path}[{index}]", old_item, new_item)
        return changes
    for name in [*old, *(name for name in new if name not in old)]:
        changes += _walk(f"{path}[name={name}]", old.get(name, ABSENT), new.get(name, ABSENT))
    if not changes and list(old) != list(new):
        changes.append(FieldDifference(path, before, after))
    return changes


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    named = {item["name"]: item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)}
    return named if len(named) == len(items) else None


def _field(path: str, name: str) -> str:
    if not _PLAIN.fullmatch(name):
        return f'{path}["{name}"]'
    return f"{path}.{name}" if path else name
