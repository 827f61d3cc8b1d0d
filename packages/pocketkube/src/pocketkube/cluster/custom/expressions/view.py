"""Values as expressions see them: what is of type ``number`` is a double, some formats are times, durations, bytes."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pocketkube.cluster.custom.schema import SchemaNode

_PART: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def seen(value: Any, node: SchemaNode | None) -> Any:
    """The value itself where nothing differs."""
    if node is None or not node.is_typed or value is None:
        return value
    match value:
        case dict():
            return {key: seen(member, node.child(key)) for key, member in value.items()}
        case list():
            return [seen(item, node.items) for item in value]
        case bool():
            return value
        case int() if node.type == "number":
            return float(value)
        case str() if node.type == "string":
            return _formatted(value, node.schema.get("format"))
    return value


def _formatted(text: str, name: str | None) -> Any:
    """What cannot be read stays text: the check of formats has reported it."""
    try:
        match name:
            case "byte":
                return base64.b64decode(text)
            case "duration":
                return _duration(text)
            case "date" | "date-time":
                found = datetime.fromisoformat(text)
                return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, binascii.Error, OverflowError):
        pass
    return text


def _duration(text: str) -> timedelta:
    parts = _PART.findall(text)
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in parts)
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)
