"""The types of expressions, and how a schema declares them (``pkg/cel/common/schemas.go``, ``pkg/cel/escaping.go``)."""

import re
from typing import Final

import msgspec

from pocketkube.cluster.custom.schema import SchemaNode

_WORDS: Final = (
    "true false null in as break const continue else for function if import let loop package namespace return var void"
    " while"
)
RESERVED: Final = frozenset(_WORDS.split())
_ESCAPED: Final = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


class DeclaredType(msgspec.Struct, frozen=True):
    """A type.

    Its name is ``int``, ``string``, …, ``dyn``; ``list``, ``map``, ``optional`` (of ``item``) and ``object``.

    A name in capitals is a type parameter of a function's signature.
    """

    name: str
    item: "DeclaredType | None" = None
    key: "DeclaredType | None" = None
    fields: "DeclaredFields | None" = None

    def __str__(self) -> str:
        match self.name:
            case "list" | "optional":
                name = "optional_type" if self.name == "optional" else "list"
                return f"{name}({self.item})"
            case "map":
                return f"map({self.key}, {self.item})"
            case "type":
                return f"type({self.item or 'dyn'})"
        return self.name


class DeclaredFields:
    """The fields of an object.

    Args:
        known: names as expressions write them, to the property's name and its schema or type.
    """

    def __init__(self, known: "dict[str, tuple[str, SchemaNode | DeclaredType]]") -> None:
        self._known = known
        self._kinds: dict[str, DeclaredType | None] = {}

    def property(self, name: str) -> str | None:
        """The property behind a field's name."""
        found = self._known.get(_written(name))
        return found[0] if found else None

    def kind(self, name: str) -> DeclaredType | None:
        """The type of a field, None where it has none that expressions may see."""
        if name not in self._kinds:
            found = self._known.get(_written(name))
            self._kinds[name] = None if found is None else _member_kind(found[1])
        return self._kinds[name]


DYN: Final = DeclaredType("dyn")
BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL = map(
    DeclaredType, ("bool", "int", "uint", "double", "string", "bytes", "null")
)
_METADATA: Final = DeclaredType(
    "object", fields=DeclaredFields({name: (name, STRING) for name in ("name", "generateName")})
)
_FORMATS: Final = {
    "byte": BYTES,
    "duration": DeclaredType("duration"),
    "date": DeclaredType("timestamp"),
    "date-time": DeclaredType("timestamp"),
}
_SCALARS: Final = {"boolean": BOOL, "number": DOUBLE, "integer": INT}


def list_of(item: DeclaredType) -> DeclaredType:
    return DeclaredType("list", item=item)


def map_of(key: DeclaredType, value: DeclaredType) -> DeclaredType:
    return DeclaredType("map", item=value, key=key)


def optional_of(item: DeclaredType) -> DeclaredType:
    return DeclaredType("optional", item=item)


def kind_of(node: SchemaNode, *, resource: bool) -> DeclaredType | None:
    """The type that expressions see; None where the schema gives them none.

    Args:
        resource: the root of a resource, whose kind, version and name expressions always see.
    """
    if node.int_or_string:
        return DYN
    if node.type == "array":
        item = kind_of(node.items, resource=node.items.embedded) if node.items else None
        return list_of(item) if item else None
    if node.type == "object":
        if node.values is not None:
            value = kind_of(node.values, resource=node.values.embedded)
            return map_of(STRING, value) if value else None
        known: dict[str, tuple[str, SchemaNode | DeclaredType]] = {}
        for name, member in (node.properties or {}).items():
            if written := escape(name):
                known[written] = (name, member)
        if resource:
            known |= {
                "apiVersion": ("apiVersion", STRING),
                "kind": ("kind", STRING),
                "metadata": ("metadata", _METADATA),
            }
        return DeclaredType("object", fields=DeclaredFields(known))
    if node.type == "string":
        return _FORMATS.get(node.schema.get("format") or "", STRING)
    return _SCALARS.get(node.type)


def _member_kind(member: SchemaNode | DeclaredType) -> DeclaredType | None:
    return member if isinstance(member, DeclaredType) else kind_of(member, resource=member.embedded)


def _written(field: str) -> str:
    """A keyword may also be written as it is after a dot."""
    return f"__{field}__" if field in RESERVED else field


def escape(name: str) -> str:
    """The identifier for a property, "" where it has none."""
    if not name or not re.fullmatch(r"[A-Za-z0-9_./-]+", name) or name[0].isdigit():
        return ""
    if name in RESERVED:
        return f"__{name}__"
    return re.sub("__|[-./]", lambda found: _ESCAPED[found[0]], name)
