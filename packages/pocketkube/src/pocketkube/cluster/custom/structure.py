"""Whether a schema is structural (``pkg/apiserver/schema/validation.go``)."""

from collections.abc import Mapping
from typing import Any, Final

from pocketkube.cluster.custom import problems
from pocketkube.cluster.custom.patterns import BadExpression, check_pattern
from pocketkube.cluster.custom.schema import Schema
from pocketkube.cluster.failure import FieldCause

_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]
_UNSUPPORTED: Final = (
    ("id", "id"),
    ("$schema", "schema"),
    ("$ref", "$ref"),
    ("patternProperties", "patternProperties"),
    ("dependencies", "dependencies"),
    ("additionalItems", "additionalItems"),
    ("definitions", "definitions"),
)
_EMPTY_WHEN_NESTED: Final = (
    ("type", "must be empty to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
    ("x-kubernetes-validations", "must be empty to be structural"),
)
_EMPTY_TYPE: Final = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}


def unsupported(schema: Schema) -> str:
    """Why a schema has no structure at all, "" where it has one."""
    for key, name in _UNSUPPORTED:
        if schema.get(key) not in (None, "", {}, []):
            return f"OpenAPIV3Schema '{name}' is not supported"
    if isinstance(schema.get("items"), list):
        return "OpenAPIV3Schema 'items' must be a schema, but is an array"
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
    parts = [schema.get("items"), schema.get("additionalProperties"), schema.get("not")]
    parts += (schema.get("properties") or {}).values()
    for key in ("allOf", "anyOf", "oneOf"):
        parts += schema.get(key) or ()
    return next((why for part in parts if isinstance(part, Mapping) and (why := unsupported(part))), "")


def check(schema: Schema, path: str) -> list[FieldCause]:
    """What makes a schema other than structural, sorted by message."""
    causes: list[FieldCause] = []
    _Structure(causes).invariants(schema, "root", path)
    _complete(schema, schema, path, path, causes)
    unique = {(cause.field, cause.message): cause for cause in causes}
    return sorted(unique.values(), key=lambda cause: f"{cause.field}: {cause.message}")


class _Structure:
    def __init__(self, causes: list[FieldCause]) -> None:
        self._causes = causes

    def invariants(self, schema: Schema, level: str, path: str) -> None:
        items, values = schema.get("items"), schema.get("additionalProperties")
        if schema.get("type") == "array" and items is None:
            self._causes.append(problems.required(f"{path}.items", "must be specified"))
        if isinstance(items, Mapping):
            self.invariants(items, "item", f"{path}.items")
        for name, member in (schema.get("properties") or {}).items():
            self.invariants(member, "field", f"{path}.properties[{name}]")
        if values is not None:
            if level == "root":
                self._forbid(f"{path}.additionalProperties", "must not be used at the root")
            if isinstance(values, Mapping):
                self.invariants(values, "field", f"{path}.additionalProperties")
        self._extensions(schema, path)
        any_of, all_of = schema.get("anyOf"), schema.get("allOf") or [{}]
        self._values(schema, path, any_of == _INT_OR_STRING, all_of[0].get("anyOf") == _INT_OR_STRING)
        self._type(schema, level, path)
        self._metadata(schema, level, path)

    def _extensions(self, schema: Schema, path: str) -> None:
        if schema.get("x-kubernetes-int-or-string"):
            for name in ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"):
                if schema.get(name):
                    text = "must be false if x-kubernetes-int-or-string is true"
                    self._causes.append(problems.invalid(f"{path}.{name}", True, text))

    def _type(self, schema: Schema, level: str, path: str) -> None:
        kind = schema.get("type") or ""
        embedded = schema.get("x-kubernetes-embedded-resource")
        preserve = schema.get("x-kubernetes-preserve-unknown-fields")
        if embedded and kind != "object":
            text = "must be object if x-kubernetes-embedded-resource is true"
            self._causes.append(
                problems.invalid(f"{path}.type", kind, text) if kind else problems.required(f"{path}.type", text)
            )
        elif not kind and not schema.get("x-kubernetes-int-or-string") and not preserve:
            self._causes.append(problems.required(f"{path}.type", _EMPTY_TYPE[level]))
        if embedded and schema.get("additionalProperties") is not None:
            self._forbid(f"{path}.additionalProperties", "must not be used if x-kubernetes-embedded-resource is set")
        if level == "root" and kind not in ("", "object"):
            self._causes.append(problems.invalid(f"{path}.type", kind, "must be object at the root"))
        if embedded and not preserve and not schema.get("properties"):
            text = (
                "must not be empty if x-kubernetes-embedded-resource is true without"
                " x-kubernetes-preserve-unknown-fields"
            )
            self._causes.append(problems.required(f"{path}.properties", text))

    def _metadata(self, schema: Schema, level: str, path: str) -> None:
        properties = schema.get("properties") or {}
        checked = level == "root" or bool(schema.get("x-kubernetes-embedded-resource"))
        for name in ("kind", "apiVersion"):
            if checked and name in properties and properties[name].get("type") != "string":
                kind = properties[name].get("type") or ""
                self._causes.append(problems.invalid(f"{path}.properties[{name}].type", kind, "must be string"))
        metadata = properties.get("metadata")
        if metadata is None:
            return
        where = f"{path}.properties[metadata]"
        if checked and metadata.get("type") != "object":
            self._causes.append(problems.invalid(f"{where}.type", metadata.get("type") or "", "must be object"))
        if level == "root":
            members = set(metadata.get("properties") or ())
            rest = metadata.keys() - {"type", "default", "properties"}
            if rest or not members <= {"name", "generateName"}:
                text = (
                    "must not specify anything other than name and generateName, but metadata is implicitly specified"
                )
                self._forbid(where, text)

    def _values(self, schema: Schema, path: str, skip_any: bool, skip_first_all: bool) -> None:
        """The value validation of a schema: nothing in it may describe structure."""
        if not skip_any:
            for index, part in enumerate(schema.get("anyOf") or ()):
                self._nested(part, f"{path}.anyOf[{index}]")
        for index, part in enumerate(schema.get("allOf") or ()):
            self._nested(part, f"{path}.allOf[{index}]", skip_any=skip_first_all and index == 0)
        for index, part in enumerate(schema.get("oneOf") or ()):
            self._nested(part, f"{path}.oneOf[{index}]")
        if schema.get("not") is not None:
            self._nested(schema["not"], f"{path}.not")
        if schema.get("pattern"):
            try:
                check_pattern(schema["pattern"])
            except BadExpression as error:
                text = f"must be a valid regular expression, but isn't: {error}"
                self._causes.append(problems.invalid(f"{path}.pattern", schema["pattern"], text))

    def _nested(self, schema: Schema, path: str, *, skip_any: bool = False) -> None:
        self._values(schema, path, skip_any, False)
        if isinstance(schema.get("items"), Mapping):
            self._nested(schema["items"], f"{path}.items")
        for name, member in (schema.get("properties") or {}).items():
            self._nested(member, f"{path}.properties[{name}]")
        if schema.get("additionalProperties") not in (None, False):
            self._forbid(f"{path}.additionalProperties", "must be undefined to be structural")
        for key, text in _EMPTY_WHEN_NESTED:
            if schema.get(key) is not None and (schema[key] or key == "default"):
                self._forbid(f"{path}.{key}", text)
        if "metadata" in (schema.get("properties") or {}):
            self._forbid(f"{path}.properties[metadata]", "must not be specified in a nested context")

    def _forbid(self, path: str, text: str) -> None:
        self._causes.append(problems.forbidden(path, text))


def _complete(part: Schema, spine: Any, place: str, path: str, causes: list[FieldCause]) -> None:
    """What the root's value validation speaks of is in the structure too (``complete.go``).

    Args:
        part: a value validation; ``path`` is where it stands.
        spine: the structure it is about, at ``place``.
    """
    nested = [(part["not"], f"{path}.not")] if part.get("not") is not None else []
    for key in ("allOf", "anyOf", "oneOf"):
        nested += ((clause, f"{path}.{key}[{index}]") for index, clause in enumerate(part.get(key) or ()))
    for clause, where in nested:
        _complete(clause, spine, place, where, causes)
        _complete_members(clause, spine, place, where, causes)


def _complete_members(part: Schema, spine: Schema, place: str, path: str, causes: list[FieldCause]) -> None:
    members = [(part.get("items"), spine.get("items"), "items")]
    known = spine.get("properties") or {}
    members += (
        (member, known.get(name), f"properties[{name}]") for name, member in (part.get("properties") or {}).items()
    )
    for member, structure, step in members:
        if not isinstance(member, Mapping):
            continue
        below, where = f"{place}.{step}", f"{path}.{step}"
        if not isinstance(structure, Mapping):
            causes.append(problems.required(below, f"because it is defined in {where}"))
        else:
            _complete(member, structure, below, where, causes)
            _complete_members(member, structure, below, where, causes)
