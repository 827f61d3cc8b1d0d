"""Values as Go prints them, which messages of the real server contain."""

from typing import Any, Final

import msgspec

_TYPES: Final[dict[type, str]] = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    list: "[]interface {}",
    dict: "map[string]interface {}",
    type(None): "<nil>",
}


def type_name(value: Any) -> str:
    """The type of a value, as ``%T``."""
    return _TYPES[type(value)]


def text(value: Any) -> str:
    """A value as ``%v``."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{text(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(text, value)) + "]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def pointer_to(value: Any) -> str:
    """A value behind a pointer, as ``%v``."""
    return f"&{{{text(value)}}}"


def literal(value: Any) -> str:
    """A value as ``%#v``."""
    if isinstance(value, dict):
        inner = ", ".join(f'"{name}":{literal(value[name])}' for name in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(literal, value))}}}"
    if value is None:
        return "interface {}(nil)"
    return msgspec.json.encode(value).decode()
