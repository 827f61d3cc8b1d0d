"""Writes a checked expression as the CEL library understands it.

What the library lacks or does another way becomes a call of a function whose name begins with ``f_``: see ``library``.
"""

import json
from collections.abc import Mapping
from typing import Final

from pocketkube.cluster.custom.expressions.checker import Macro, macro_of
from pocketkube.cluster.custom.expressions.declared import DYN, RESERVED, DeclaredType
from pocketkube.cluster.custom.expressions.signatures import NAMESPACES
from pocketkube.cluster.custom.expressions.syntax import Call, Entries, Items, Literal, Name, Select, Tree

_OPERATORS: Final = {
    "_||_": "||",
    "_&&_": "&&",
    "_<_": "<",
    "_<=_": "<=",
    "_>_": ">",
    "_>=_": ">=",
    "_==_": "==",
    "_!=_": "!=",
    "@in": "in",
    "_+_": "+",
    "_-_": "-",
    "_*_": "*",
    "_/_": "/",
    "_%_": "%",
}
_NATIVE_NAMES: Final = (
    "contains startsWith endsWith type dyn int uint double bytes timestamp duration or orValue hasValue value"
    " getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds"
    " getMilliseconds"
)
_NATIVE: Final = frozenset(_NATIVE_NAMES.split())
PREFIX: Final = "f_"


class Emitter:
    """
    Args:
        kinds: types of the tree's parts, by ``id``, as the checker found them.
        variables: names that are no loop's.
    """

    def __init__(self, kinds: Mapping[int, DeclaredType], variables: frozenset[str]) -> None:
        self._kinds = kinds
        self._variables = variables
        self._bound: dict[str, str] = {}
        self._loops = 0
        self.functions: set[str] = set()

    def emit(self, tree: Tree) -> str:
        match tree:
            case Literal():
                return _literal(tree)
            case Name():
                return self._bound.get(tree.name, tree.name)
            case Select():
                return self._select(tree)
            case Items():
                items = f"[{', '.join(map(self.emit, tree.items))}]"
                return self._function("compact", items, str(list(tree.optional))) if tree.optional else items
            case Entries():
                return self._entries(tree)
            case Call():
                macro = macro_of(tree)
                return self._macro(tree, macro) if macro else self._call(tree)

    def _kind(self, tree: Tree) -> DeclaredType:
        return self._kinds.get(id(tree), DYN)

    def _select(self, tree: Select) -> str:
        target, kind = self.emit(tree.target), self._kind(tree.target)
        name = _property(tree, kind)
        if tree.optional or kind.name == "optional":
            return self._function("optional", target, json.dumps(name))
        return f"{target}.{name}" if _is_plain(name) else f"{target}[{json.dumps(name)}]"

    def _has(self, tree: Select) -> str:
        target, kind = self.emit(tree.target), self._kind(tree.target)
        name = _property(tree, kind)
        if tree.optional or kind.name == "optional":
            return f"{self._function('optional', target, json.dumps(name))}.hasValue()"
        return f"has({target}.{name})" if _is_plain(name) else f"({json.dumps(name)} in {target})"

    def _entries(self, tree: Entries) -> str:
        pairs = [(self.emit(key), self.emit(value)) for key, value in tree.entries]
        if not tree.optional:
            return f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
        items = f"[{', '.join(f'[{key}, {value}]' for key, value in pairs)}]"
        return self._function("compactMap", items, str(list(tree.optional)))

    def _macro(self, call: Call, macro: Macro) -> str:
        if macro.form == "has":
            assert isinstance(call.args[0], Select)
            return self._has(call.args[0])
        assert call.target is not None
        over = self.emit(call.target)
        if macro.form == "optional":
            name, (body,) = self._loop(macro)
            mapped = f"{self._function('items', over)}.map({name}, {body})"
            return self._function("first" if call.function == "optMap" else "flatFirst", mapped)
        if macro.form == "pairs":
            return self._pairs(call, macro, over)
        name, bodies = self._loop(macro)
        function = "exists_one" if call.function == "existsOne" else call.function
        return f"{over}.{function}({name}, {', '.join(bodies)})"

    def _loop(self, macro: Macro) -> tuple[str, list[str]]:
        """The library's variable and the bodies that use it; its name is made up, so that none hides another."""
        self._loops += 1
        name = f"v_{self._loops}"
        outer = dict(self._bound)
        if macro.form == "pairs":
            self._bound |= {variable: f"{name}[{index}]" for index, variable in enumerate(macro.variables)}
        else:
            self._bound[macro.variables[0]] = name
        bodies = [self.emit(body) for body in macro.bodies]
        self._bound = outer
        return name, bodies

    def _pairs(self, call: Call, macro: Macro, over: str) -> str:
        pairs = self._function("pairs", over)
        name, bodies = self._loop(macro)
        if call.function in ("all", "exists", "exists_one", "existsOne"):
            function = "exists_one" if call.function == "existsOne" else call.function
            return f"{pairs}.{function}({name}, {bodies[0]})"
        if len(bodies) == 2:
            pairs = f"{pairs}.filter({name}, {bodies[0]})"
        if call.function == "transformList":
            return f"{pairs}.map({name}, {bodies[-1]})"
        return self._function("map", f"{pairs}.map({name}, [{name}[0], {bodies[-1]}])")

    def _call(self, call: Call) -> str:
        args = list(map(self.emit, call.args))
        name, target = call.function, call.target
        if name in _OPERATORS:
            return f"({args[0]} {_OPERATORS[name]} {args[1]})"
        match name:
            case "!_" | "-_":
                return f"({name[0]}{args[0]})"
            case "_?_:_":
                return f"({args[0]} ? {args[1]} : {args[2]})"
            case "_[_]" if self._kind(call.args[0]).name != "optional":
                return f"{args[0]}[{args[1]}]"
            case "_[_]" | "_[?_]":
                return self._function("optional", *args)
        if isinstance(target, Name) and target.name in NAMESPACES and not self._is_variable(target.name):
            if target.name == "optional":
                return f"optional.{name}({', '.join(args)})"
            return self._function(f"{target.name}_{name}", *args)
        if target is not None:
            args.insert(0, self.emit(target))
        of = self._kind(target if target is not None else call.args[0]) if args else DYN
        if name == "size" and of.name in ("list", "map"):
            return f"size({args[0]})"
        if name in _NATIVE and (name != "contains" or of.name == "string"):
            return f"{args[0]}.{name}({', '.join(args[1:])})" if target is not None else f"{name}({', '.join(args)})"
        return self._function(name, *args)

    def _is_variable(self, name: str) -> bool:
        return name in self._bound or name in self._variables

    def _function(self, name: str, *args: str) -> str:
        self.functions.add(name)
        return f"{PREFIX}{name}({', '.join(args)})"


def _property(tree: Select, kind: DeclaredType) -> str:
    """The name of the property behind a field."""
    inside = kind.item or DYN if kind.name == "optional" else kind
    known = inside.fields.property(tree.field) if inside.fields else None
    return known or tree.field


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isidentifier() and not name.startswith("__") and name not in RESERVED


def _literal(tree: Literal) -> str:
    match tree.value:
        case bool():
            return "true" if tree.value else "false"
        case None:
            return "null"
        case int():
            return f"{tree.value}u" if tree.type == "uint" else f"({tree.value})" if tree.value < 0 else str(tree.value)
        case float():
            text = repr(tree.value)
            return f"({text})" if tree.value < 0 else text
        case bytes():
            octets = "".join(f"\\x{byte:02x}" for byte in tree.value)
            return f'b"{octets}"'
        case str():
            return f'"{"".join(map(_char, tree.value))}"'


def _char(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
