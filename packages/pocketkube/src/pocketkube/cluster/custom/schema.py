"""Structural schemas: the part of an OpenAPI v3 schema that gives every field of a custom resource its place.

The names and the rules are those of apiextensions-apiserver's ``pkg/apiserver/schema``.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

Schema = Mapping[str, Any]
"""An ``openAPIV3Schema`` or a part of one, as decoded JSON."""

DEEPEST: Final = 150
"""Levels of schemas within schemas; one recursion in a walk needs a few frames of Python's 1,000."""
METADATA_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})
_TYPED_FORMATS: Final = frozenset({"byte", "duration", "date", "date-time"})


class TooDeep(ValueError):
    """A schema is nested deeper than :data:`DEEPEST`."""


class SchemaNode(msgspec.Struct, eq=False, kw_only=True):
    """One place in a structural schema.

    Attributes:
        schema: what it was made of.
        properties: of an object; None where the schema names none.
        items: of an array.
        values: the schema of ``additionalProperties``.
        is_open: ``additionalProperties`` is there, be it a schema or a boolean.
        default: None where there is none.
        preserve: ``x-kubernetes-preserve-unknown-fields``.
        embedded: ``x-kubernetes-embedded-resource``.
        list_type, list_keys, map_type: the ``x-kubernetes-`` extensions of these names.
        rules: ``x-kubernetes-validations``.
        has_defaults, has_lists, has_embedded, has_rules: this place or one below has one (lists: sets and maps).
        has_numbers: this place or one below is a number.
        is_typed: expressions see this place or one below as another type than JSON gives it.
    """

    schema: Schema
    type: str = ""
    properties: "dict[str, SchemaNode] | None" = None
    items: "SchemaNode | None" = None
    values: "SchemaNode | None" = None
    is_open: bool = False
    default: Any = None
    nullable: bool = False
    preserve: bool = False
    embedded: bool = False
    int_or_string: bool = False
    list_type: str = ""
    list_keys: tuple[str, ...] = ()
    map_type: str = ""
    rules: tuple[Schema, ...] = ()
    has_defaults: bool = False
    has_lists: bool = False
    has_embedded: bool = False
    has_rules: bool = False
    has_numbers: bool = False
    is_typed: bool = False

    def child(self, name: str) -> "SchemaNode | None":
        """Of a key of an object or map."""
        if self.properties and name in self.properties:
            return self.properties[name]
        return self.values


def compile_node(schema: Schema, depth: int = 0) -> SchemaNode:
    """The structural schema within an OpenAPI v3 schema of a definition that was accepted.

    Raises:
        TooDeep: see there.
    """
    if depth > DEEPEST:
        raise TooDeep(f"a schema is nested deeper than {DEEPEST} levels")
    items, values = schema.get("items"), schema.get("additionalProperties")
    properties = schema.get("properties")
    node = SchemaNode(
        schema=schema,
        type=schema.get("type") or "",
        properties={name: compile_node(member, depth + 1) for name, member in properties.items()}
        if properties
        else None,
        items=compile_node(items, depth + 1) if isinstance(items, Mapping) else None,
        values=compile_node(values, depth + 1) if isinstance(values, Mapping) else None,
        is_open=values is not None,
        default=schema.get("default"),
        nullable=bool(schema.get("nullable")),
        preserve=bool(schema.get("x-kubernetes-preserve-unknown-fields")),
        embedded=bool(schema.get("x-kubernetes-embedded-resource")),
        int_or_string=bool(schema.get("x-kubernetes-int-or-string")),
        list_type=schema.get("x-kubernetes-list-type") or "",
        list_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
        map_type=schema.get("x-kubernetes-map-type") or "",
        rules=tuple(schema.get("x-kubernetes-validations") or ()),
    )
    _flag(node)
    return node


def _flag(node: SchemaNode) -> None:
    below = [*(node.properties or {}).values()]
    below += [child for child in (node.items, node.values) if child is not None]
    node.has_defaults = node.default is not None or any(child.has_defaults for child in below)
    node.has_lists = node.list_type in ("set", "map") or any(child.has_lists for child in below)
    node.has_embedded = node.embedded or any(child.has_embedded for child in below)
    node.has_rules = bool(node.rules) or any(child.has_rules for child in below)
    node.has_numbers = node.type == "number" or any(child.has_numbers for child in below)
    formatted = node.type == "string" and node.schema.get("format") in _TYPED_FORMATS
    node.is_typed = formatted or node.type == "number" or any(child.is_typed for child in below)
