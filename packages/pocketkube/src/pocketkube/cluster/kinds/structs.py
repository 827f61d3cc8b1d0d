"""The Go structs behind the built-in kinds: what decodes, what an encoder leaves out, what it always writes.

A built-in object passes through a Go struct on its way to the store: a null, an unknown field and an empty value of an
``omitempty`` field do not come out again, a field without ``omitempty`` always does. The table is distilled from the
sources by ``tools/schemas/omitempty.py``.
"""

import json
import re
import zlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from pocketkube.cluster.kinds.defaults import DEFAULTS
from pocketkube.cluster.kinds.scalars import SCALARS, Anything, Bytes, GoType, Mismatch, Quantity, named

_PREFIX = re.compile(r"(\[\]|map\[\]|\*)")
_UNSET = object()


class Field:
    """A field of a struct.

    Attributes:
        path: the names that errors show, those of embedded structs before its own.
        drops: left out where empty.
        always: written even where nothing was given.
        default: of a ``+default`` marker.
    """

    __slots__ = ("always", "default", "drops", "name", "node", "path", "pointer")

    def __init__(self, name: str, path: tuple[str, ...], go_type: str, flags: str, default: Any = _UNSET) -> None:
        self.name, self.path = name, path
        self.pointer = go_type.startswith("*")
        self.node = node_of(go_type.removeprefix("*"))
        omitted = "o" in flags
        self.drops = omitted and not self.pointer and self.node.falsy
        value = not self.pointer and not isinstance(self.node, Slice | Map)
        self.always = not omitted or (
            value and not self.node.falsy and "z" not in flags and not isinstance(self.node, Anything)
        )
        self.default = default if default or self.pointer or not omitted else _UNSET

    def zero(self) -> Any:
        return None if self.pointer else self.node.zero()


class Struct(GoType):
    falsy = False

    def __init__(self, name: str, go_name: str) -> None:
        super().__init__(name)
        self.go_name = go_name
        self.short = name.rpartition(".")[2]
        self.fields: dict[str, Field] = {}
        self.fill: list[Callable[[dict[str, Any]], None]] = []
        self.collect(go_name, ())
        self.always = [field for field in self.fields.values() if field.always]
        self.lists = [field for field in self.always if isinstance(field.node, Slice | Map)]
        self.declared = [field for field in self.fields.values() if field.default is not _UNSET]

    def collect(self, go_name: str, path: tuple[str, ...]) -> None:
        if go_name in DEFAULTS:
            self.fill.append(DEFAULTS[go_name])
        for name, go_type, flags, *default in _table()["structs"][go_name]:
            if name:
                self.fields[name] = Field(name, (*path, name), go_type, flags, *default)
            else:
                inner = go_type.removeprefix("*")
                self.collect(inner, (*path, inner.rpartition(".")[2]))

    def check(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise Mismatch(named(value), self.name)
        fields = self.fields
        for key, item in value.items():
            field = fields.get(key)
            if field is None or item is None:
                continue
            try:
                field.node.check(item)
            except Mismatch as mismatch:
                mismatch.struct = mismatch.struct or self.short
                mismatch.fields.extend(reversed(field.path))
                raise

    def stored(self, value: dict[str, Any]) -> dict[str, Any]:
        fields = self.fields
        gone = []
        for key, item in value.items():
            field = fields.get(key)
            if field is None or item is None or (field.drops and not item):
                gone.append(key)
        for key in gone:
            del value[key]
        for field in self.lists:
            # What is stored has no empty lists and maps; without omitempty they come back as null.
            if field.name in value and not value[field.name]:
                value[field.name] = None
        for fill in self.fill:
            fill(value)
        for field in self.declared:
            if field.name not in value:
                value[field.name] = field.default
        for key, item in value.items():
            node = fields[key].node
            if not node.plain and item is not None:
                value[key] = node.stored(item)
        for field in self.always:
            if field.name not in value:
                value[field.name] = field.zero()
        return value

    def zero(self) -> dict[str, Any]:
        return self.stored({})

    def blank(self) -> dict[str, Any]:
        """What an encoder writes of a struct in which nothing is set, defaults aside."""
        return {
            field.name: field.node.blank() if isinstance(field.node, Struct) and not field.pointer else field.zero()
            for field in self.always
        }


class Slice(GoType):
    def __init__(self, name: str, element: GoType, pointers: bool) -> None:
        super().__init__(name)
        self.element, self.pointers = element, pointers

    def check(self, value: Any) -> None:
        if not isinstance(value, list):
            raise Mismatch(named(value), self.name)
        check = self.element.check
        for item in value:
            if item is not None:
                check(item)

    def stored(self, value: list[Any]) -> list[Any]:
        element = self.element
        if not element.plain or None in value:
            value[:] = [element.zero() if item is None else element.stored(item) for item in value]
        return value


class Map(GoType):
    def __init__(self, name: str, element: GoType) -> None:
        super().__init__(name)
        self.element = element

    def check(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise Mismatch(named(value), self.name)
        check = self.element.check
        for item in value.values():
            if item is not None:
                check(item)

    def stored(self, value: dict[str, Any]) -> dict[str, Any]:
        element = self.element
        if not element.plain or None in value.values():
            for key, item in value.items():
                value[key] = self.empty() if item is None else element.stored(item)
        return value

    def empty(self) -> Any:
        return "" if isinstance(self.element, Bytes) else self.element.zero()


class Owners(Slice):
    """``managedFields``: kept by the write path, which knows them better."""

    plain = True


@cache
def _table() -> dict[str, Any]:
    packed = files(__package__).joinpath("data/structs.json.zz").read_bytes()
    table: dict[str, Any] = json.loads(zlib.decompress(packed))
    return table


@cache
def node_of(go_type: str) -> GoType:
    """The node of a Go type as the table writes it: ``[]core/v1.Container``, ``map[]string``, ``core/v1.DNSPolicy``."""
    table = _table()
    name = re.sub(r"\b[a-z]\w*/(?=v)", "", go_type).replace("map[]", "map[string]").replace("[]byte", "[]uint8")
    if go_type == "[]byte":
        return Bytes("[]uint8")
    if go_type == "[]meta/v1.ManagedFieldsEntry":
        return Owners(name, node_of("meta/v1.ManagedFieldsEntry"), False)
    if go_type.startswith("[]"):
        return Slice(name, node_of(go_type[2:].removeprefix("*")), go_type.startswith("[]*"))
    if go_type == "core/v1.ResourceList":
        return Map(name, Quantity("resource.Quantity", milli=True))
    if go_type.startswith("map[]"):
        return Map(name, node_of(go_type[5:].removeprefix("*")))
    base = go_type
    while base in table["aliases"]:
        base = table["aliases"][base]
    if base != go_type and _PREFIX.match(base):
        inner = node_of(base)
        assert isinstance(inner, Slice | Map)
        return type(inner)(name, inner.element, False) if isinstance(inner, Slice) else Map(name, inner.element)
    if base in SCALARS:
        return SCALARS[base](name.replace("meta/", ""))
    if base in table["structs"]:
        return Struct(name, base)
    return Anything(name)


def struct_of(go_name: str) -> Struct | None:
    """The struct of a kind, such as ``apps/v1.Deployment``; None where the table lacks it."""
    if go_name not in _table()["structs"]:
        return None
    node = node_of(go_name)
    assert isinstance(node, Struct)
    return node
