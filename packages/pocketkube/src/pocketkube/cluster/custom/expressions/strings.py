"""Functions of CEL on texts."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from pocketkube.cluster.custom.expressions.refusal import LONGEST, FunctionRefusal
from pocketkube.cluster.custom.patterns import matches, translated
from pocketkube.cluster.custom.problems import number

_NESTED_REPETITION: Final = re.compile(r"[)*+}?][*+{]")


_LONGEST_SEARCHED: Final = 1_000


def string_of(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return number(value)
        case dict() if len(value) == 1:
            return str(next(iter(value.values())))
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{number(value.total_seconds())}s"
        case bytes():
            return value.decode()
    return str(value)


def char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise FunctionRefusal(f"index out of range: {index}")
    return text[index : index + 1]


def index_of(target: Any, wanted: Any, start: int = 0) -> int:
    if isinstance(target, str):
        if not 0 <= start <= len(target):
            raise FunctionRefusal(f"index out of range: {start}")
        return target.find(wanted, start)
    return next((index for index, item in enumerate(target) if item == wanted), -1)


def last_index_of(target: Any, wanted: Any, end: int | None = None) -> int:
    if isinstance(target, str):
        if end is None:
            return target.rfind(wanted)
        if not 0 <= end <= len(target):
            raise FunctionRefusal(f"index out of range: {end}")
        return target.rfind(wanted, 0, end + len(wanted))
    return next((len(target) - 1 - index for index, item in enumerate(reversed(target)) if item == wanted), -1)


def replaced(text: str, old: str, new: str, count: int = -1) -> str:
    found = text.count(old) if count < 0 else min(count, text.count(old))
    if len(text) + found * len(new) > LONGEST:
        raise FunctionRefusal("operation cancelled: actual cost limit exceeded")
    return text.replace(old, new, count)


def split_by(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if not separator:
        parts = list(text)
        return parts if count < 0 or len(parts) <= count else [*parts[: count - 1], "".join(parts[count - 1 :])]
    return text.split(separator) if count < 0 else text.split(separator, count - 1)


def substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= len(text) or not 0 <= last <= len(text):
        raise FunctionRefusal(f"index out of range: {start if not 0 <= start <= len(text) else last}")
    if start > last:
        raise FunctionRefusal(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def lowered(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


def uppered(text: str) -> str:
    return "".join(char.upper() if char.isascii() else char for char in text)


def find_all(text: str, pattern: str, count: int = -1) -> list[str]:
    # The library has no search, and Python's engine may backtrack for ever: simple patterns and short texts only.
    if _NESTED_REPETITION.search(pattern) or len(text) > _LONGEST_SEARCHED:
        raise FunctionRefusal("operation cancelled: actual cost limit exceeded")
    matches(pattern, "")
    python = translated(pattern).replace("(?-u:\\b)", r"(?a:\b)").replace("(?-u:\\B)", r"(?a:\B)")
    found = [match[0] for match in re.finditer(python, text)]
    return found if count < 0 else found[:count]


def found_first(text: str, pattern: str) -> str:
    return next(iter(find_all(text, pattern)), "")


def formatted(text: str, args: list[Any]) -> str:
    rest = iter(args)

    def one(found: "re.Match[str]") -> str:
        if found[0] == "%%":
            return "%"
        try:
            value = next(rest)
        except StopIteration:
            raise FunctionRefusal(f"index {len(args)} out of range") from None
        return _clause(value, found[1], found[2])

    made = re.sub(r"%%|%(?:\.([0-9]{1,3}))?([sdfebxXo])", one, text)
    if len(made) > LONGEST:
        raise FunctionRefusal("operation cancelled: actual cost limit exceeded")
    return made


def _clause(value: Any, precision: str | None, clause: str) -> str:
    if clause == "s":
        if isinstance(value, list):
            return f"[{', '.join(_clause(item, None, 's') for item in value)}]"
        if isinstance(value, dict):
            inside = ", ".join(f"{key}: {_clause(item, None, 's')}" for key, item in sorted(value.items()))
            return f"{{{inside}}}"
        return "null" if value is None else string_of(value)
    if not isinstance(value, int | float | bool):
        raise FunctionRefusal(f"no such overload: format %{clause}")
    if clause in "fe":
        return f"{float(value):.{precision or 6}{clause}}"
    return format(int(value), clause)


def joined(items: Iterable[str], separator: str = "") -> str:
    return separator.join(items)
