"""The JSONPath of printer columns: the part of client-go ``util/jsonpath`` that fits between one pair of braces.

Keys that are missing are no error. ``range`` and ``end`` are not known: a column has one value.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

Step = Callable[[list[Any]], list[Any]]
"""Takes the values found so far, gives those one step further down."""

NESTED = 32
"""Filters and unions within each other; more is no path that anyone wrote."""
QUOTED = re.compile(r"'[^']*'")
SLICE = re.compile(r"(-?\d{0,18})(:-?\d{0,18})?(:-?\d{0,18})?", re.ASCII)
NUMBER = re.compile(r"[+-]?[\d.]*", re.ASCII)
WORD = re.compile(r"[^\s.,\[\]$@{}]*")
FIELD = re.compile(r"(?:\\.|[^\s.,\[\]$@{}\\])*", re.DOTALL)
COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)")


class JsonPathError(ValueError):
    """A path that cannot be read, or does not fit the value it is asked of."""


class Path(msgspec.Struct, frozen=True):
    """A compiled path."""

    steps: tuple[Step, ...]

    def find(self, value: Any) -> list[Any]:
        """Every value that the path leads to.

        Raises:
            PathError: an index out of bounds, a list that is none, values that cannot be compared.
        """
        found = [value]
        for step in self.steps:
            found = step(found)
        return found


@lru_cache(maxsize=1024)
def compile_path(text: str) -> Path:
    """Reads what stands between the braces: ``.spec.replicas``, ``.status.conditions[?(@.type=="Ready")].status``.

    Raises:
        PathError: the text is no path.
    """
    return _compile(text, 0)


def _compile(text: str, depth: int) -> Path:
    if depth > NESTED:
        raise JsonPathError("nested too deeply")
    steps: list[Step] = []
    at = 0
    while at < len(text):
        step, at = _read(text, at, depth)
        if step is not None:
            steps.append(step)
    return Path(tuple(steps))


def _read(text: str, at: int, depth: int) -> tuple[Step | None, int]:
    """One step, and where the next begins; None where nothing is to be done."""
    sign = text[at]
    if text.startswith("[?(", at):
        return _read_filter(text, at + 3, depth)
    if text.startswith("..", at):
        return _descend, at + 1 if _starts_word(text, at + 2) else at + 2
    if sign in " @$":
        return None, at + 1
    if sign == "[":
        return _read_brackets(text, at + 1, depth)
    if sign in "\"'":
        return _read_quote(text, at)
    if sign == ".":
        end = _end(FIELD, text, at + 1)
        name = text[at + 1 : end]
        return (_wildcard if name == "*" else _field(name.replace("\\", ""))), end
    if sign in "+-" or sign.isdigit():
        end = _end(NUMBER, text, at)
        return _constant(_number(text[at:end])), end
    end = _end(WORD, text, at)
    if text[at:end] in ("true", "false"):
        return _constant(text[at:end] == "true"), end
    raise JsonPathError(f"unrecognized character in action: {sign!r}")


def _starts_word(text: str, at: int) -> bool:
    return at < len(text) and (text[at] == "_" or text[at].isalnum())


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise JsonPathError(f"cannot parse number {text}") from None


def _read_quote(text: str, at: int) -> tuple[Step, int]:
    end = at + 1
    while end < len(text) and (text[end] != text[at] or text[end - 1] == "\\"):
        end += 1
    if end >= len(text):
        raise JsonPathError("unterminated quoted string")
    return _constant(text[at + 1 : end].replace(f"\\{text[at]}", text[at])), end + 1


def _read_brackets(text: str, at: int, depth: int) -> tuple[Step, int]:
    end = text.find("]", at)
    if end < 0:
        raise JsonPathError("unterminated array")
    inner = text[at:end]
    if "," in inner:
        return _union([_compile(f"[{part.strip(' ')}]", depth + 1) for part in inner.split(",")]), end + 1
    if QUOTED.fullmatch(inner):
        return _union([_compile(f".{inner[1:-1]}", depth + 1)]), end + 1
    found = SLICE.fullmatch(":" if inner == "*" else inner)
    if found is None:
        raise JsonPathError(f"invalid array index {inner}")
    return _slice(*found.groups()), end + 1


def _read_filter(text: str, at: int, depth: int) -> tuple[Step, int]:
    quote = ""
    end = at
    while end < len(text) and (quote or text[end] != ")"):
        if quote:
            if text[end] == quote and text[end - 1] != "\\":
                quote = ""
        elif text[end] in "\"'":
            quote = text[end]
        end += 1
    if not text.startswith(")]", end):
        raise JsonPathError("unterminated filter")
    inner = text[at:end]
    found = COMPARISON.fullmatch(inner)
    if found is None:
        return _having(_compile(inner, depth + 1)), end + 2
    left, operator, right = found.groups()
    if operator not in COMPARE:
        raise JsonPathError(f"unrecognized filter operator {operator}")
    return _comparing(_compile(left, depth + 1), operator, _compile(right, depth + 1)), end + 2


def _constant(value: Any) -> Step:
    return lambda values: [value for _ in values]


def _field(name: str) -> Step:
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list | str) else ()


def _wildcard(values: list[Any]) -> list[Any]:
    return [child for value in values for child in _children(value)]


def _descend(values: list[Any]) -> list[Any]:
    return list(_below(values))


def _below(values: Sequence[Any]) -> Iterator[Any]:
    waiting = list(reversed(values))
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list) and value:
            yield value
            waiting.extend(reversed(_children(value)))


def _union(paths: Sequence[Path]) -> Step:
    return lambda values: [found for path in paths for value in values for found in path.find(value)]


def _slice(first: str, second: str | None, third: str | None) -> Step:
    start = int(first) if first not in ("", "-") else 0
    stop = int(second[1:]) if second not in (None, ":", ":-") else None
    step = int(third[1:]) if third not in (None, ":", ":-") else 1
    single = second is None and first != ""

    def take(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if value is None:
                continue
            if not isinstance(value, list):
                raise JsonPathError(f"{value!r} is not array or slice")
            found += _part(value, start, start + 1 if single else stop, step, single)
        return found

    return take


def _part(value: list[Any], start: int, stop: int | None, step: int, single: bool) -> list[Any]:
    size = len(value)
    first = start + size if start < 0 else start
    last = size if stop is None else stop
    if last < 0 or (last == 0 and single):
        last += size
    if first == last:
        return []
    if not 0 <= first < size or not first <= last <= size:
        raise JsonPathError(f"array index out of bounds: index {first}, length {size}")
    if step <= 0:
        raise JsonPathError("step must be > 0")
    return value[first:last:step]


def _elements(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if not isinstance(value, list):
            raise JsonPathError("not an array or slice, cannot be filtered")
        yield from value


def _having(path: Path) -> Step:
    def holds(element: Any) -> bool:
        try:
            return bool(path.find(element))
        except JsonPathError:
            return False

    return lambda values: [element for element in _elements(values) if holds(element)]


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _comparing(left: Path, operator: str, right: Path) -> Step:
    def holds(element: Any) -> bool:
        lefts, rights = left.find(element), right.find(element)
        if not lefts or not rights:
            return False
        if len(lefts) > 1 or len(rights) > 1:
            raise JsonPathError("can only compare one element at a time")
        return _compare(lefts[0], operator, rights[0])

    return lambda values: [element for element in _elements(values) if holds(element)]


def _compare(left: Any, operator: str, right: Any) -> bool:
    unordered = isinstance(left, bool) and operator not in ("==", "!=")
    if unordered or type(left) is not type(right) or not isinstance(left, int | float | str):
        raise JsonPathError("incompatible types for comparison")
    return COMPARE[operator](left, right)
