"""The table of a custom resource, from its ``additionalPrinterColumns`` (apiextensions ``tableconvertor``)."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import text
from pocketkube.cluster.tables.column import AGE, NAME, Column, Printer
from pocketkube.cluster.tables.durations import UNKNOWN, age, parse_time
from pocketkube.cluster.tables.jsonpath import JsonPathError, Path, compile_path

Columns = tuple[Mapping[str, Any], ...]

WITHOUT = Printer((NAME, msgspec.structs.replace(AGE, type="date")))
"""For a resource that declares no columns."""
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What Go writes in JSON texts in the place of signs that mean something to browsers."""


def custom_printer(columns: Columns) -> Printer:
    """The table with these columns. A path that cannot be read ends it: neither it nor those after it are shown."""
    if not columns:
        return WITHOUT
    made = [NAME]
    for column in columns:
        source = text(column, "jsonPath")
        try:
            path = compile_path(source)
        except JsonPathError:
            break
        kind, priority = text(column, "type"), column.get("priority")
        made.append(
            Column(
                text(column, "name"),
                _cell(path, _text_of if kind == "string" else VALUES.get(kind, _nothing)),
                kind,
                text(column, "format"),
                priority if isinstance(priority, int) else 0,
                text(column, "description") or f"Custom resource definition column (in JSONPath format): {source}",
            )
        )
    return Printer(tuple(made))


def _cell(path: Path, value_of: Callable[[Any, datetime], Any]) -> Callable[[Object, datetime], Any]:
    def cell(obj: Object, now: datetime) -> Any:
        try:
            found = path.find(obj)
        except JsonPathError:
            return None
        return value_of(found[0], now) if found else None

    return cell


def _text_of(value: Any, now: datetime) -> str:
    """A value as Go prints it; maps and lists as JSON."""
    match value:
        case None:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case float():
            return _go_float(value)
        case dict() | list():
            encoded = msgspec.json.encode(value, order="sorted").decode()
            return "".join(ESCAPES.get(sign, sign) for sign in encoded)
        case _:
            return str(value)


def _go_float(value: float) -> str:
    """A number as Go's ``%v`` has it: with an exponent from 1e21 on, and below 1e-4."""
    shortest = repr(value).removesuffix(".0")
    if "e" in shortest and 1e-4 <= abs(value) < 1e21:
        return f"{Decimal(shortest):f}"
    return shortest


def _integer(value: Any, now: datetime) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    # What a processor makes of a number that is too large.
    return int(value) if -(2**63) <= value < 2**63 else -(2**63)


def _number(value: Any, now: datetime) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any, now: datetime) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: Any, now: datetime) -> str | None:
    if not isinstance(value, str):
        return None
    if value in ("", "null"):
        return UNKNOWN
    return "<invalid>" if parse_time(value) is None else age(value, now)


def _nothing(value: Any, now: datetime) -> None:
    return None


VALUES: Mapping[str, Callable[[Any, datetime], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
