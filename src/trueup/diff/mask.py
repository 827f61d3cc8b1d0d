"""Secrets as people may see them: equal values get equal masks, different ones different masks."""

import base64
from typing import Any

from trueup.diff.normalise import comparable, is_secret

_SHORTEST = 8


def masked(*sides: dict[str, Any] | None) -> list[dict[str, Any] | None]:
    """Comparable copies of the sides of one comparison, with the values of Secrets masked consistently.

    One Secret among the sides masks them all: which kind is shown is for the objects to say, not for a caller.
    Values of annotations are masked where they hold a value of ``data``, plain or in base64; the record of the last
    client-side apply is left out.
    """
    reduced = [comparable(side) if side is not None else None for side in sides]
    if not any(side is not None and is_secret(side) for side in sides):
        return reduced
    masks: dict[str, str] = {}
    return [_mask(side, masks) if side is not None else None for side in reduced]


def _mask(obj: dict[str, Any], masks: dict[str, str]) -> dict[str, Any]:
    result = dict(obj)
    for field in ("data", "stringData"):
        if field not in result:
            continue
        values = result[field]
        result[field] = (
            {name: _mask_of(values[name], masks) for name in sorted(values, key=str)}
            if isinstance(values, dict)
            else _mask_of(values, masks)
        )
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(annotations, dict):
        secrets = _texts(obj)
        shown = {
            name: _mask_of(value, masks) if any(secret in str(value) for secret in secrets) else value
            for name, value in annotations.items()
        }
        result["metadata"] = {**metadata, "annotations": shown}
    return result


def _mask_of(value: Any, masks: dict[str, str]) -> str | None:
    if value is None:
        return None
    return masks.setdefault(repr(value), "+" * (_SHORTEST + len(masks)))


def _texts(obj: dict[str, Any]) -> set[str]:
    """The values of a Secret in base64 and plain, but for those so short that they occur anywhere."""
    data = obj.get("data")
    encoded = [value for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []
    plain = [_decoded(value) for value in encoded]
    return {text for text in (*encoded, *plain) if len(text) >= 4}


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except ValueError:
        return ""
