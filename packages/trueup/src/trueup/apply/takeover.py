"""What an apply would remove once client-side ownership has moved to us, which a dry run of the apply cannot show."""

from typing import Any

import msgspec

from kubegrammar.merge.fieldset import union
from trueup.apply.ownership import client_side, is_ours
from trueup.model.annotations import LAST_APPLIED
from trueup.model.live import LiveObject

Fields = dict[str, Any]


def after_takeover(answer: LiveObject, live: LiveObject, wanted: dict[str, Any]) -> bytes:
    """The object as the server would store it after migration and apply.

    Args:
        answer: of the dry run, made without a migration.
        live: the object now, with its managedFields.
        wanted: what Git declares.

    Fields that only client-side managers own and that Git does not declare are gone from it; the annotation of
    kubectl's last apply is no drift and stays.
    """
    content = live.object()
    entries = (content.get("metadata") or {}).get("managedFields") or []
    moving: Fields = {}
    others: Fields = {}
    for entry in entries:
        if client_side(entry):
            moving = union(moving, entry.get("fieldsV1") or {})
        elif not is_ours(entry):
            others = union(others, entry.get("fieldsV1") or {})
    if not moving:
        return answer.body
    stored = answer.object()
    _strip(stored, moving, wanted, others)
    return msgspec.json.encode(stored)


def _strip(stored: Any, fields: Fields, wanted: Any, others: Fields) -> None:
    for name, deeper in fields.items():
        shared = others.get(name)
        if name.startswith("f:") and isinstance(stored, dict):
            _strip_field(stored, name[2:], deeper, wanted, shared)
        elif name.startswith("k:") and isinstance(stored, list):
            _strip_item(stored, msgspec.json.decode(name[2:]), deeper, wanted, shared)
        elif name.startswith("v:") and isinstance(stored, list) and shared is None:
            value = msgspec.json.decode(name[2:])
            if value in stored and not (isinstance(wanted, list) and value in wanted):
                stored.remove(value)


def _strip_field(stored: dict[str, Any], name: str, deeper: Fields, wanted: Any, shared: Fields | None) -> None:
    declared = wanted if isinstance(wanted, dict) else {}
    if name not in stored or name == LAST_APPLIED:
        return
    if deeper and isinstance(stored[name], dict | list):
        _strip(stored[name], deeper, declared.get(name), shared or {})
        if not stored[name] and name not in declared and shared is None:
            del stored[name]
    elif name not in declared and shared is None:
        del stored[name]


def _strip_item(stored: list[Any], identity: Fields, deeper: Fields, wanted: Any, shared: Fields | None) -> None:
    item = _matching(stored, identity)
    if item is None:
        return
    declared = _matching(wanted if isinstance(wanted, list) else [], identity)
    if declared is None and shared is None:
        stored.remove(item)
    else:
        _strip(item, deeper, declared, shared or {})


def _matching(items: list[Any], identity: Fields) -> dict[str, Any] | None:
    """The list entry with these keys; one that leaves a key out may mean its default (``protocol: TCP``)."""
    for item in items:
        if isinstance(item, dict) and all(item.get(key, value) == value for key, value in identity.items()):
            return item
    return None
