"""Reading fields of an object that nobody has checked: a field of the wrong type counts as absent."""

from typing import Any


def section(value: Any, *path: str) -> dict[str, Any]:
    """The mapping at a path; empty when it is missing or no mapping."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The mappings of a list field, in their order."""
    found = value.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text(value: dict[str, Any], name: str) -> str:
    """A string field; empty when missing."""
    found = value.get(name)
    return found if isinstance(found, str) else ""


def number(value: dict[str, Any], name: str) -> int:
    """An integer field; 0 when missing, as a Go struct reads it."""
    return optional_number(value, name) or 0


def optional_number(value: dict[str, Any], name: str) -> int | None:
    """An integer field, None when missing."""
    found = value.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def condition(status: dict[str, Any], type_: str) -> dict[str, Any] | None:
    """The first condition of a type."""
    return next((found for found in items(status, "conditions") if found.get("type") == type_), None)


def quoted(name: str) -> str:
    """A name in double quotes, as Go's ``%q`` writes it in messages people search for."""
    return f'"{name}"'
