"""How entries of the audit trail spell objects, fields and who changed them."""

from typing import Any

import msgspec

from trueup import diff
from trueup.diff.change import ABSENT
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.audit import FieldChange
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey

MOST_CHANGES = 20
LONGEST_VALUE = 200


def spelt(key: ResourceKey) -> str:
    """``group/Kind/namespace/name``."""
    return f"{key.group}/{key.kind}/{key.namespace}/{key.name}"


def field_changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[FieldChange, ...]:
    """The differing fields of two objects as text, values of Secrets masked."""
    found = diff.differences(before, after)[:MOST_CHANGES]
    return tuple(FieldChange(change.path, _text(change.before), _text(change.after)) for change in found)


def last_manager(live: LiveObject) -> str:
    """Who wrote an object last, other than us: the field manager's name, which is all that the API server keeps."""
    entries = live.object()["metadata"].get("managedFields") or []
    others = [e for e in entries if e.get("manager") != FIELD_MANAGER and e.get("subresource") != "status"]
    latest = max(others, key=lambda entry: entry.get("time") or "", default=None)
    return str(latest.get("manager") or "") if latest else ""


def _text(value: Any) -> str:
    if value is ABSENT:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
