"""The client-side three-way merge: last applied × wanted × live → a JSON merge patch."""

from typing import Any

import msgspec

from trueup.model.annotations import LAST_APPLIED
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey


def with_last_applied(wanted: dict[str, Any], key: ResourceKey) -> dict[str, Any]:
    """The object with the annotation that remembers it, as kubectl writes it.

    A Secret carries none: its values would lie in an annotation that few readers mask.
    """
    if key.kind == "Secret" and not key.group:
        return wanted
    metadata = wanted.get("metadata") or {}
    annotations = {name: text for name, text in (metadata.get("annotations") or {}).items() if name != LAST_APPLIED}
    bare = {**wanted, "metadata": {**metadata, "annotations": annotations}}
    memory = msgspec.json.encode(bare, order="deterministic").decode() + "\n"
    return {**bare, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: memory}}}


def three_way(wanted: dict[str, Any], live: LiveObject) -> dict[str, Any]:
    """The merge patch that sets what Git declares and removes what Git declared last time and no longer does.

    Lists are replaced whole. Empty when nothing would change.
    """
    there = live.object()
    patch = _additions(wanted, there)
    _remove(patch, last_applied(live), wanted, there)
    return patch


def last_applied(live: LiveObject) -> dict[str, Any]:
    """What was applied last; empty when nothing remembers it, or not readably."""
    try:
        memory = msgspec.json.decode(live.annotations.get(LAST_APPLIED, "") or "{}")
    except msgspec.DecodeError:
        return {}
    return memory if isinstance(memory, dict) else {}


def _additions(wanted: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for name, value in wanted.items():
        if value is None:
            # In a merge patch null deletes, which is what a null in a manifest means for a field that is there.
            if name in there:
                patch[name] = None
        elif isinstance(value, dict) and isinstance(there.get(name), dict):
            if deeper := _additions(value, there[name]):
                patch[name] = deeper
        elif name not in there or there[name] != value:
            patch[name] = value
    return patch


def _remove(patch: dict[str, Any], before: dict[str, Any], wanted: dict[str, Any], there: dict[str, Any]) -> None:
    for name, value in before.items():
        if name not in there:
            continue
        if name not in wanted:
            patch[name] = None
        elif isinstance(value, dict) and isinstance(wanted[name], dict) and isinstance(there[name], dict):
            deeper = patch.get(name) if isinstance(patch.get(name), dict) else {}
            assert isinstance(deeper, dict)
            _remove(deeper, value, wanted[name], there[name])
            if deeper:
                patch[name] = deeper
