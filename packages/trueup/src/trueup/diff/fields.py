"""Manifests against the cluster's OpenAPI v3 schemas: what a server-side apply would refuse (cluster-truths 1)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

Schema = Mapping[str, Any]

_PREFIX = "#/components/schemas/"
_EMBEDDED = frozenset({"apiVersion", "kind", "metadata"})
_DEEPEST = 64
"""Schemas that describe themselves (JSONSchemaProps) end nowhere; objects do, but a reference cycle must too."""


def undeclared_fields(obj: Any, schema: Schema, components: Mapping[str, Schema]) -> list[str]:
    """Paths of the fields a structural schema does not know, such as ``spec.template.spec.contaners``.

    Args:
        obj: the manifest.
        schema: of its kind, as served in OpenAPI v3.
        components: ``components.schemas`` of the same document, for its references.

    Free-form objects and ``x-kubernetes-preserve-unknown-fields`` know every field; what they declare inside is
    still looked into. Types are not checked.
    """
    return [
        path for path, value, found in _visit("", obj, schema, components, 0) for path in _unknown(path, value, found)
    ]


def duplicate_keys(obj: Any, schema: Schema, components: Mapping[str, Schema]) -> list[str]:
    """Lists of which two elements have the same key, such as ``spec.ports: containerPort=80,protocol=TCP``.

    A key that an element leaves out has its schema's default.
    """
    return [
        f"{path or '.'}: {duplicate}"
        for path, value, found in _visit("", obj, schema, components, 0)
        if isinstance(value, list)
        for duplicate in _duplicates(value, found, components)
    ]


def _visit(
    path: str, value: Any, schema: Schema, components: Mapping[str, Schema], depth: int
) -> Iterator[tuple[str, Any, Schema]]:
    """Every object and list of a manifest with the schema that describes it."""
    if depth > _DEEPEST:
        return
    found = _resolve(schema, components)
    if isinstance(value, dict):
        yield path, value, found
        properties, others = found.get("properties") or {}, found.get("additionalProperties")
        for name, item in value.items():
            inner = properties.get(name, others)
            if isinstance(inner, Mapping) and isinstance(item, dict | list):
                yield from _visit(_field(path, name), item, inner, components, depth + 1)
    elif isinstance(value, list):
        yield path, value, found
        inner = found.get("items")
        if isinstance(inner, Mapping):
            for index, item in enumerate(value):
                if isinstance(item, dict | list):
                    yield from _visit(f"{path}[{index}]", item, inner, components, depth + 1)


def _resolve(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """A schema with its reference followed, and the one that ``allOf`` wraps to give it a default merged in."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            schema = components.get(reference.removeprefix(_PREFIX), {})
            continue
        parts = schema.get("allOf")
        if not isinstance(parts, list) or not parts:
            return schema
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in parts:
            if isinstance(part, Mapping):
                merged = {**_resolve(part, components), **merged}
        return merged
    return {}


def _unknown(path: str, value: Any, schema: Schema) -> list[str]:
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return []
    properties = schema.get("properties")
    if not properties or schema.get("additionalProperties"):
        return []
    embedded = _EMBEDDED if schema.get("x-kubernetes-embedded-resource") else frozenset()
    return [_field(path, name) for name in value if name not in properties and name not in embedded]


def _duplicates(items: list[Any], schema: Schema, components: Mapping[str, Schema]) -> list[str]:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            names = [_text(item) for item in items]
        case "map":
            inner = schema.get("items")
            properties = _resolve(inner, components).get("properties") or {} if isinstance(inner, Mapping) else {}
            keys = [str(key) for key in schema.get("x-kubernetes-list-map-keys") or ()]
            defaults = {key: _resolve(properties.get(key) or {}, components).get("default") for key in keys}
            names = [
                ",".join(f"{key}={_text(item.get(key, defaults[key]))}" for key in keys)
                for item in items
                if isinstance(item, dict)
            ]
        case _:
            return []
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _field(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
