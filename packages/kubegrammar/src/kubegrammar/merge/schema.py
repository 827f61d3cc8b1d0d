"""Types that merges follow, compiled once from OpenAPI v3 schemas.

The rules by which a schema becomes a type are those of kube-openapi's ``schemaconv``: what has no type is anything,
lists are atomic unless they say otherwise, objects without properties are free-form.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

Kind = Literal["scalar", "list", "map", "any"]

_QUANTITY: Final = "resource.Quantity"
_RAW_EXTENSION: Final = "runtime.RawExtension"
_SCALARS: Final = {"integer": "numeric", "number": "numeric", "boolean": "boolean"}


class Type(msgspec.Struct, eq=False, kw_only=True):
    """The type of one place in an object.

    Attributes:
        kind: ``any`` takes whatever form the value has: see ``as_list`` and ``as_map``.
        scalar: what a merge checks of a scalar: ``numeric``, ``string``, ``boolean`` or ``untyped`` (any scalar).
        type, format: as the schema has them; ``int-or-string`` is a type of its own here.
        fields: the members of a struct.
        element: of a list, or of a map whose keys are free; None where other keys than ``fields`` are unknown.
        list_type: ``atomic``, ``set`` or ``map``; of a list.
        keys: the fields that identify an item of a ``map`` list.
        atomic: a list or map that is replaced as a whole.
        free: a map of anything by anything, merged key by key.
        preserve_unknown: what the schema does not name is kept.
        default: None where there is none.
        required: names of fields that must be there.
        native: defined in Go, where structs are never absent; False for custom resources.
    """

    kind: Kind
    scalar: str = ""
    type: str = ""
    format: str = ""
    fields: dict[str, "Type"] = {}
    element: "Type | None" = None
    list_type: str = ""
    keys: tuple[str, ...] = ()
    atomic: bool = False
    free: bool = False
    preserve_unknown: bool = False
    default: Any = None
    required: frozenset[str] = frozenset()
    nullable: bool = False
    embedded: bool = False
    native: bool = False
    patch_strategy: tuple[str, ...] = ()
    patch_merge_key: str = ""
    as_list: "Type | None" = None
    as_map: "Type | None" = None


def _free_types() -> tuple[Type, Type]:
    atomic = Type(kind="any", scalar="untyped", preserve_unknown=True)
    atomic.as_list = Type(kind="list", element=atomic, list_type="atomic", atomic=True)
    atomic.as_map = Type(kind="map", element=atomic, atomic=True, preserve_unknown=True)
    deduced = Type(kind="any", scalar="untyped", preserve_unknown=True)
    deduced.as_list = atomic.as_list
    deduced.as_map = Type(kind="map", element=deduced, free=True, preserve_unknown=True)
    return atomic, deduced


ANYTHING, DEDUCED = _free_types()
"""``DEDUCED`` is for objects without a schema: maps merge, lists are atomic. Within ``ANYTHING`` all is atomic."""

_STRING: Final = Type(kind="scalar", scalar="string", type="string")


class Types:
    """Compiles the types of one OpenAPI document; what they share is compiled once.

    Args:
        components: schemas by name, for ``#/components/schemas/NAME``.
    """

    def __init__(self, components: Mapping[str, Mapping[str, Any]]) -> None:
        self._components = components
        self._named: dict[str, Type] = {}
        self._derived: list[tuple[Type, Type]] = []

    def compile(self, schema: Mapping[str, Any]) -> Type:
        """The type of a kind. A schema of a custom resource needs neither ``metadata`` nor ``apiVersion`` and ``kind``.

        Raises:
            ValueError: a reference leads nowhere or a list of type ``map`` has no keys.
        """
        kind = self._resolve(schema, preserve=False)
        if "$ref" not in schema and "x-kubernetes-group-version-kind" not in schema:
            _add_object_fields(kind, schema.get("properties") or {})
        return self._finish(kind)

    def compile_part(self, schema: Mapping[str, Any]) -> Type:
        """The type of a place within an object, which has no metadata of its own.

        Raises:
            ValueError: as :meth:`compile`.
        """
        return self._finish(self._resolve(schema, preserve=False))

    def _finish(self, kind: Type) -> Type:
        for derived, base in self._derived:
            _inherit(derived, base)
        self._derived.clear()
        return kind

    def _resolve(self, schema: Mapping[str, Any], *, preserve: bool) -> Type:
        reference = _reference(schema)
        if not reference:
            return self._inline(schema, preserve=preserve, native=False)
        base = self._component(reference)
        changes = _overrides(schema)
        if not changes:
            return base
        derived = Type(kind="any", **changes)
        self._derived.append((derived, base))
        return derived

    def _component(self, name: str) -> Type:
        known = self._named.get(name)
        if known is not None:
            return known
        schema = self._components.get(name)
        if schema is None:
            raise ValueError(f"no schema is named {name}")
        if name.endswith(_QUANTITY):
            made = Type(kind="scalar", scalar="untyped", type="quantity", native=True)
        elif name.endswith(_RAW_EXTENSION):
            made = ANYTHING
        elif target := _reference(schema):
            self._named[name] = made = Type(kind="any")
            self._derived.append((made, self._component(target)))
        else:
            made = self._named[name] = Type(kind="any")
            self._fill(made, schema, preserve=False, native=True)
        self._named[name] = made
        return made

    def _inline(self, schema: Mapping[str, Any], *, preserve: bool, native: bool) -> Type:
        made = Type(kind="any")
        self._fill(made, schema, preserve=preserve, native=native)
        return made

    def _fill(self, made: Type, schema: Mapping[str, Any], *, preserve: bool, native: bool) -> None:
        preserve = preserve or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        name = schema.get("type") or ""
        made.type, made.format, made.native = name, schema.get("format") or "", native
        made.nullable = bool(schema.get("nullable"))
        made.embedded = bool(schema.get("x-kubernetes-embedded-resource"))
        for key, value in _overrides(schema).items():
            setattr(made, key, value)
        if schema.get("x-kubernetes-int-or-string") or (name == "string" and made.format == "int-or-string"):
            made.type = "int-or-string"
        if name == "object":
            self._fill_map(made, schema, preserve=preserve)
        elif name == "array":
            self._fill_list(made, schema, preserve=preserve)
        elif name:
            made.kind = "scalar"
            made.scalar = _SCALARS.get(name) or ("string" if made.format in ("", "byte") else "untyped")
        else:
            made.scalar = "untyped"
            made.as_list, made.as_map = Type(kind="list"), Type(kind="map", native=native)
            self._fill_list(made.as_list, schema, preserve=preserve)
            self._fill_map(made.as_map, schema, preserve=preserve)
            made.preserve_unknown = made.as_map.preserve_unknown

    def _fill_map(self, made: Type, schema: Mapping[str, Any], *, preserve: bool) -> None:
        made.kind = "map"
        properties: Mapping[str, Any] = schema.get("properties") or {}
        made.fields = {name: self._resolve(member, preserve=preserve) for name, member in properties.items()}
        made.required = frozenset(schema.get("required") or ())
        made.atomic = schema.get("x-kubernetes-map-type") == "atomic"
        made.preserve_unknown = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or (
            made.native and not properties
        )
        values = schema.get("additionalProperties")
        if isinstance(values, Mapping):
            made.element = self._resolve(values, preserve=preserve)
        elif values or (values is None and (preserve or not properties)):
            made.element = DEDUCED
            made.free = not properties
            made.preserve_unknown = made.preserve_unknown or bool(values)
        if schema.get("x-kubernetes-embedded-resource"):
            _add_object_fields(made, properties)

    def _fill_list(self, made: Type, schema: Mapping[str, Any], *, preserve: bool) -> None:
        made.kind = "list"
        items = schema.get("items")
        made.element = self._resolve(items, preserve=preserve) if isinstance(items, Mapping) else ANYTHING
        made.list_type, made.keys = _list_type(schema)
        made.atomic = made.list_type == "atomic"


def compile_type(schema: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]) -> Type:
    """The type of a kind, from the OpenAPI v3 schema of a cluster or a custom resource.

    Args:
        schema: of the kind; raw ``openAPIV3Schema`` of a custom resource will do: object fields are added.
        components: schemas by name, for ``#/components/schemas/NAME``. To compile many kinds, share a :class:`Types`.

    Raises:
        ValueError: as :meth:`Types.compile`.
    """
    return Types(components).compile(schema)


def _reference(schema: Mapping[str, Any]) -> str:
    """The name a schema refers to, itself or by an ``allOf`` of one."""
    reference = schema.get("$ref")
    if not reference:
        parts: Sequence[Mapping[str, Any]] = schema.get("allOf") or ()
        reference = parts[0].get("$ref") if len(parts) == 1 else None
    return str(reference).rpartition("/")[2] if reference else ""


def _overrides(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a field says on its own account, beside the type it refers to."""
    changes: dict[str, Any] = {}
    if schema.get("default") is not None:
        changes["default"] = schema["default"]
    if schema.get("nullable"):
        changes["nullable"] = True
    if strategy := schema.get("x-kubernetes-patch-strategy"):
        changes["patch_strategy"] = tuple(strategy.split(","))
    if merge_key := schema.get("x-kubernetes-patch-merge-key"):
        changes["patch_merge_key"] = merge_key
    if relation := schema.get("x-kubernetes-map-type"):
        changes["atomic"] = relation == "atomic"
    return changes


_OWN: Final = ("default", "nullable", "patch_strategy", "patch_merge_key")


def _inherit(derived: Type, base: Type) -> None:
    own = {name: getattr(derived, name) for name in _OWN if getattr(derived, name)}
    atomic = derived.atomic
    for name in Type.__struct_fields__:
        setattr(derived, name, getattr(base, name))
    for name, value in own.items():
        setattr(derived, name, value)
    derived.atomic = derived.atomic or atomic


def _list_type(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    declared = schema.get("x-kubernetes-list-type")
    if declared == "map":
        keys = schema.get("x-kubernetes-list-map-keys")
        if not keys:
            raise ValueError("a list of type map has no x-kubernetes-list-map-keys")
        return "map", tuple(keys)
    if declared:
        return str(declared), ()
    if "merge" in str(schema.get("x-kubernetes-patch-strategy") or "").split(","):
        key = schema.get("x-kubernetes-patch-merge-key")
        return ("map", (key,)) if key else ("set", ())
    return "atomic", ()


def _add_object_fields(made: Type, declared: Mapping[str, Any]) -> None:
    """Gives a custom resource (or one embedded) what every object has; its own word on ``metadata`` does not count."""
    if made.kind != "map" or (not made.fields and made.free and not declared and not made.embedded):
        return
    fields = dict(made.fields)
    fields.setdefault("apiVersion", _STRING)
    fields.setdefault("kind", _STRING)
    if not _reference(declared.get("metadata") or {}):
        fields["metadata"] = METADATA
    made.fields = fields


_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_TEXTS: Final = {"type": "object", "additionalProperties": _TEXT}
_OWNER: Final = {
    "type": "object",
    "properties": {
        "apiVersion": _TEXT,
        "kind": _TEXT,
        "name": _TEXT,
        "uid": _TEXT,
        "controller": {"type": "boolean"},
        "blockOwnerDeletion": {"type": "boolean"},
    },
    "x-kubernetes-map-type": "atomic",
}
_METADATA_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "annotations": _TEXTS,
        "labels": _TEXTS,
        "creationTimestamp": _TIME,
        "deletionTimestamp": _TIME,
        "deletionGracePeriodSeconds": {"type": "integer"},
        "finalizers": {
            "type": "array",
            "items": _TEXT,
            "x-kubernetes-list-type": "set",
            "x-kubernetes-patch-strategy": "merge",
        },
        "generateName": _TEXT,
        "generation": {"type": "integer"},
        "managedFields": {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "atomic"},
        "name": _TEXT,
        "namespace": _TEXT,
        "ownerReferences": {
            "type": "array",
            "items": _OWNER,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "uid",
        },
        "resourceVersion": _TEXT,
        "selfLink": _TEXT,
        "uid": _TEXT,
    },
}
METADATA: Final = Types({}).compile_part(_METADATA_SCHEMA)
"""``ObjectMeta``, whatever the schema of a custom resource says about it."""
