"""Checks values against OpenAPI v3 schemas as the API server does, with its words.

The order of the checks, which branch of ``anyOf`` and ``oneOf`` is reported, and the texts are those of kube-openapi's
``pkg/validation``; that an unchanged part of an object may stay wrong (ratcheting) is apiextensions-apiserver's
``pkg/apiserver/validation/ratcheting.go``.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from pocketkube.cluster.custom import formats, problems
from pocketkube.cluster.custom.patterns import BadExpression, matches
from pocketkube.cluster.custom.schema import Schema
from pocketkube.cluster.failure import FieldCause

MISSING: Final = object()
"""In the place of an old value: there is none to compare with."""
_TYPES: Final = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
_INT32: Final = range(-(2**31), 2**31)
_INT64: Final = range(-(2**63), 2**63)
_LARGEST_FLOAT32: Final = 3.4028234663852886e38


class SchemaFault(msgspec.Struct):
    """Something wrong at a path.

    Attributes:
        path: from the value that was checked: ``.spec.items[0]``; grows to the left on the way up.
        text: what follows the path in the message.
        make: turns a field, a value and a detail into a cause.
        is_composite: about alternatives; has no field of its own, the path is part of the message.
    """

    path: str
    text: str
    value: Any
    make: Callable[[str, Any, str], FieldCause]
    is_composite: bool = False


class SchemaCheck:
    """A compiled schema."""

    def __init__(self, schema: Schema) -> None:
        types = ("integer", "string") if schema.get("x-kubernetes-int-or-string") else ()
        self._types = types or ((schema["type"],) if schema.get("type") else ())
        only = self._types[0] if len(self._types) == 1 else ""
        name = schema.get("format") or ""
        self._format = name if formats.is_known(name, only) else ""
        self._nullable = bool(schema.get("nullable"))
        self._any = [SchemaCheck(part) for part in schema.get("anyOf") or ()]
        self._one = [SchemaCheck(part) for part in schema.get("oneOf") or ()]
        self._all = [SchemaCheck(part) for part in schema.get("allOf") or ()]
        self._not = SchemaCheck(schema["not"]) if schema.get("not") else None
        self._has_parts = bool(self._any or self._one or self._all or self._not)
        self._enum: Sequence[Any] = schema.get("enum") or ()
        self._strings = _string_checks(schema, self._format, only)
        self._numbers = _Numbers(schema, only, self._format)
        self._compile_containers(schema)

    def _compile_containers(self, schema: Schema) -> None:
        items, values = schema.get("items"), schema.get("additionalProperties")
        self._items = SchemaCheck(items) if isinstance(items, dict) else None
        self._keys: tuple[str, ...] = ()
        if schema.get("x-kubernetes-list-type") == "map":
            self._keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
        self._item_counts = (schema.get("minItems"), schema.get("maxItems"))
        self._unique = bool(schema.get("uniqueItems"))
        self._properties = {name: SchemaCheck(part) for name, part in (schema.get("properties") or {}).items()}
        self._values = SchemaCheck(values) if isinstance(values, dict) else None
        self._closed = values is False
        self._required: Sequence[str] = schema.get("required") or ()
        self._counts = (schema.get("minProperties"), schema.get("maxProperties"))

    def causes(self, value: Any, old: Any = MISSING, *, field: str = "") -> list[FieldCause]:
        """What is wrong with a value.

        Args:
            old: the value before an update; what did not change is not reported.
            field: where the value is; messages name paths from the value on.
        """
        found = self._run(value, old)
        if not found or (old is not MISSING and same(value, old)):
            return []
        return [_cause(fault, field) for fault in _distinct(found)]

    def _run(self, value: Any, old: Any) -> list[SchemaFault]:
        if value is None:
            found = self._typed(value)
            return found + self._enumerated(value) if self._enum else found
        found = self._typed(value) if self._types else []
        if self._has_parts:
            found += self._parts(value, old)
        match value:
            case str():
                for check in self._strings:
                    if fault := check(value):
                        found.append(fault)
                        break
            case dict():
                if self._enum:
                    found += self._enumerated(value)
                return found + self._object(value, old)
            case list():
                found += self._array(value, old)
            case bool():
                pass
            case int() | float():
                if self._numbers.matter:
                    found += self._numbers.faults(value)
        return found + self._enumerated(value) if self._enum else found

    def _typed(self, value: Any) -> list[SchemaFault]:
        types = self._types
        if value is None:
            return [_mistyped(",".join(types), "null")] if types and not self._nullable else []
        name = _TYPES.get(type(value), "")
        if name in types:
            return []
        numeric = (name == "integer" and "number" in types) or (
            name == "number" and "integer" in types and float(value).is_integer()
        )
        if numeric:
            return []
        if self._format and name not in ("string", "array"):
            return [_mistyped(self._format, {"integer": "int64", "number": "float64"}.get(name, ""))]
        if self._format and "number" not in types and "integer" not in types and name in ("string", "array"):
            return []
        return [_mistyped(",".join(types), name)]

    def _enumerated(self, value: Any) -> list[SchemaFault]:
        if value is not None and any(same(value, choice) for choice in self._enum):
            return []
        names = [
            choice if isinstance(choice, str) else json.dumps(choice, separators=(",", ":")) for choice in self._enum
        ]
        return [SchemaFault("", "", value, lambda field, bad, detail: problems.unsupported(field, bad, names))]

    def _parts(self, value: Any, old: Any) -> list[SchemaFault]:
        found: list[SchemaFault] = []
        if self._any:
            results = [part._run(value, old) for part in self._any]
            if all(results):
                found.append(_composite(" must validate at least one schema (anyOf)"))
                found += results[_best(self._any, value)]
        if self._one:
            results = [part._run(value, old) for part in self._one]
            valid = sum(not result for result in results)
            if valid != 1:
                words = f"Found {valid} valid alternatives" if valid else "Found none valid"
                found.append(_composite(f" must validate one and only one schema (oneOf). {words}"))
            if not valid:
                found += results[_best(self._one, value)]
        if self._all:
            results = [part._run(value, old) for part in self._all]
            found += [fault for result in results for fault in result]
            if any(results):
                words = ". None validated" if all(results) else ""
                found.append(_composite(f" must validate all the schemas (allOf){words}"))
        if self._not and not self._not._run(value, old):
            found.append(_composite(" must not validate the schema (not)"))
        return found

    def _array(self, items: list[Any], old: Any) -> list[SchemaFault]:
        found: list[SchemaFault] = []
        if self._items:
            before = self._by_key(old) if self._keys and isinstance(old, list) else {}
            for index, item in enumerate(items):
                previous = before.get(self._key(item), MISSING) if before else MISSING
                found += _below(self._items._run(item, previous), f"[{index}]", item, previous)
        least, most = self._item_counts
        if least is not None and len(items) < least:
            found.append(_invalid(f" in body should have at least {least} items", len(items)))
        if most is not None and len(items) > most:
            count = len(items)
            found.append(SchemaFault("", "", count, lambda field, bad, detail: problems.too_many(field, count, most)))
        if self._unique and len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
            found.append(_invalid(" in body shouldn't contain duplicates", ""))
        return found

    def _object(self, value: dict[str, Any], old: Any) -> list[SchemaFault]:
        found: list[SchemaFault] = []
        least, most = self._counts
        if least is not None and len(value) < least:
            found.append(_invalid(f" in body should have at least {least} properties", len(value)))
        if most is not None and len(value) > most:
            count = len(value)
            found.append(SchemaFault("", "", count, lambda field, bad, detail: problems.too_many(field, count, most)))
        before = old if isinstance(old, dict) else {}
        properties, values = self._properties, self._values
        for key, member in value.items():
            check = properties.get(key, values)
            if check is not None:
                previous = before.get(key, MISSING)
                if below := check._run(member, previous):
                    found += _below(below, f".{key}", member, previous)
            elif self._closed:
                found.append(_invalid(f".{key} in body is a forbidden property", key))
        for name in self._required:
            if name not in value:
                found.append(SchemaFault(f".{name}", "", "", lambda field, bad, detail: problems.required(field)))
        return found

    def _key(self, item: Any) -> Any:
        if not isinstance(item, dict):
            return None
        values = tuple(item.get(key) for key in self._keys)
        return None if any(value is None or isinstance(value, dict | list) for value in values) else values

    def _by_key(self, items: list[Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for item in items:
            key = self._key(item)
            if key is not None:
                found.setdefault(key, item)
        return found

    def _score(self, value: Any) -> int:
        """How many checks hold, by which the nearest of several alternatives is chosen."""
        if value is None:
            return int(not self._typed(value))
        score = 3 + bool(self._types) + (bool(self._types) and not self._typed(value))
        parts = self._parts_score(value)
        match value:
            case str():
                score += 1 + bool(self._strings)
            case bool():
                pass
            case int() | float():
                score += 2
            case list():
                score += 2 + sum(self._items._score(item) for item in value if self._items)
            case dict():
                checked = ((self._properties.get(key, self._values), member) for key, member in value.items())
                score += 1 + sum(check._score(member) for check, member in checked if check)
        return score + parts

    def _parts_score(self, value: Any) -> int:
        score = sum(part._score(value) for part in self._all)
        for parts in (self._any, self._one):
            if parts:
                score += next((part._score(value) for part in parts if not part._run(value, MISSING)), 0)
        return score


class _Numbers:
    """The checks of a number."""

    def __init__(self, schema: Schema, kind: str, name: str) -> None:
        self._kind = kind if kind in ("integer", "number") else ""
        self._format = name if self._kind else ""
        self._multiple = schema.get("multipleOf")
        self._most, self._below = schema.get("maximum"), bool(schema.get("exclusiveMaximum"))
        self._least, self._above = schema.get("minimum"), bool(schema.get("exclusiveMinimum"))
        bounds = (self._multiple, self._most, self._least)
        self.matter = bool(self._kind) or any(bound is not None for bound in bounds)

    def faults(self, value: float) -> list[SchemaFault]:
        found = self._in_range(value, "Checked")
        whole = isinstance(value, int)
        if self._multiple is not None:
            found += self._in_range(self._multiple, "MultipleOf")
            factor = int(self._multiple) if whole else self._multiple
            if factor <= 0:
                found.append(SchemaFault("", "", factor, _bad_factor))
            elif not _is_multiple(value, factor):
                found.append(_invalid(f" in body should be a multiple of {problems.shown(factor)}", value))
        if self._most is not None:
            limit = int(self._most) if whole and not found else self._most
            if value > limit or (self._below and value >= limit):
                words = "less than" if self._below else "less than or equal to"
                found.append(_invalid(f" in body should be {words} {problems.shown(limit)}", value))
        if self._least is not None:
            limit = int(self._least) if whole else self._least
            if value < limit or (self._above and value <= limit):
                words = "greater than" if self._above else "greater than or equal to"
                found.append(_invalid(f" in body should be {words} {problems.shown(limit)}", value))
        return found

    def _in_range(self, value: float, what: str) -> list[SchemaFault]:
        if self._kind == "integer":
            whole = isinstance(value, int) or value.is_integer()
            fits = whole and int(value) in (_INT32 if self._format == "int32" else _INT64)
        else:
            fits = self._format != "float" or abs(value) <= _LARGEST_FLOAT32
        if fits:
            return []
        form = f"with format {self._format}" if self._format else "(default format)"
        return [_composite(f"{what} value must be of type {self._kind} {form} in ")]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON: True is not 1, whole floats are integers."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and len(one) == len(other)
            and all(key in other and same(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _string_checks(schema: Schema, name: str, kind: str) -> list[Callable[[str], SchemaFault | None]]:
    checks: list[Callable[[str], SchemaFault | None]] = []
    most, least, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if most is not None:
        checks.append(lambda text: _too_long(most) if len(text) > most else None)
    if least is not None:
        words = f" in body should be at least {least} chars long"
        checks.append(lambda text: _invalid(words, text) if len(text) < least else None)
    if pattern:
        checks.append(lambda text: _mismatched(pattern, text))
    holds = formats.check_of(name) if kind in ("", "string") else None
    if holds:
        checks.append(lambda text: None if holds(text) else _misformatted(name, text))
    return checks


def _mismatched(pattern: str, text: str) -> SchemaFault | None:
    try:
        if matches(pattern, text):
            return None
    except BadExpression as error:
        return _invalid(f" in body should match '{pattern}, but pattern is invalid: {error}'", text)
    return _invalid(f" in body should match '{pattern}'", text)


def _misformatted(name: str, text: str) -> SchemaFault:
    return SchemaFault("", f" in body must be of type {name}: {problems.quoted(text)}", text, problems.of_wrong_type)


def _mistyped(wanted: str, found: str) -> SchemaFault:
    return SchemaFault(
        "", f" in body must be of type {wanted}: {problems.quoted(found)}", found, problems.of_wrong_type
    )


def _invalid(text: str, value: Any) -> SchemaFault:
    return SchemaFault("", text, value, problems.invalid)


def _too_long(limit: int) -> SchemaFault:
    return SchemaFault("", "", "", lambda field, bad, detail: problems.too_long(field, limit))


def _composite(text: str) -> SchemaFault:
    return SchemaFault("", text, "", problems.invalid, is_composite=True)


def _bad_factor(field: str, value: Any, detail: str) -> FieldCause:
    return problems.invalid(field, value, f"factor MultipleOf declared for {field} must be positive: {value}")


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and isinstance(factor, int):
        return value % factor == 0
    quotient = 1 / factor * value if factor < 1 else value / factor
    return abs(quotient - round(quotient)) < 1e-9


def _best(parts: Sequence[SchemaCheck], value: Any) -> int:
    scores = [part._score(value) for part in parts]
    return scores.index(max(scores))


def _below(faults: list[SchemaFault], step: str, value: Any, old: Any) -> list[SchemaFault]:
    """The faults of a member, seen from its holder; none where the member did not change."""
    if not faults or (old is not MISSING and step not in (".kind", ".apiVersion") and same(value, old)):
        return []
    for fault in faults:
        fault.path = step + fault.path
    return faults


def _distinct(faults: list[SchemaFault]) -> list[SchemaFault]:
    kept: dict[tuple[str, str, str], SchemaFault] = {}
    for fault in faults:
        kept.setdefault((fault.path, fault.text, fault.make.__qualname__), fault)
    return list(kept.values())


def _cause(fault: SchemaFault, field: str) -> FieldCause:
    path = fault.path.removeprefix(".")
    if fault.is_composite:
        # A text that starts with a space is said of the path, any other ends with it.
        detail = f"{problems.quoted(path)}{fault.text}" if fault.text.startswith(" ") else f"{fault.text}{path}"
        return problems.invalid(field or problems.NOWHERE, "", detail)
    where = f"{field}.{path}" if field and path else field or path
    return fault.make(where or problems.NOWHERE, fault.value, f"{path}{fault.text}")
