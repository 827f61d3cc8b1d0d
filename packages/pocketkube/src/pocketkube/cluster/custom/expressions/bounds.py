"""An upper bound of the steps an expression takes on a value, known before it runs.

The CEL library cannot be interrupted and holds the interpreter's lock, so that an expression is not begun that might
run for more than about a second. The real server counts as it goes and stops at a cost of 1,000,000.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pocketkube.cluster.custom.expressions.checker import Macro, macro_of
from pocketkube.cluster.custom.expressions.syntax import Call, Entries, Items, Literal, Name, Select, Tree

MOST_STEPS: Final = 1_000_000
"""Of one expression; 0.3 to 1 µs each."""
_ITEMS_STEP: Final = "*"
_LITERAL: Final = 32
_Path = tuple[str, ...]


def steps(tree: Tree, variables: Mapping[str, Any]) -> int:
    """How many parts of an expression are evaluated at most, loops counted as often as they turn."""
    return _Bounds(variables).steps(tree, {name: (name,) for name in variables})


class _Bounds:
    """
    A loop's turns come from the value where what it runs over is a path into it (``self.spec.items``, or a member of
    another loop's variable); else from the largest list, map or text within the value.
    """

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._largest: int | None = None

    def steps(self, tree: Tree, names: Mapping[str, _Path | None]) -> int:
        match tree:
            case Literal() | Name():
                return 1
            case Select():
                return 1 + self.steps(tree.target, names)
            case Items():
                return 1 + sum(self.steps(item, names) for item in tree.items)
            case Entries():
                return 1 + sum(self.steps(key, names) + self.steps(value, names) for key, value in tree.entries)
            case Call():
                macro = macro_of(tree)
                if macro is None or macro.form == "has":
                    over = self.steps(tree.target, names) if tree.target is not None else 0
                    return 1 + over + sum(self.steps(arg, names) for arg in tree.args)
                return self._macro(tree, macro, names)

    def _macro(self, call: Call, macro: Macro, names: Mapping[str, _Path | None]) -> int:
        assert call.target is not None
        path = self._path(call.target, names)
        if macro.form == "optional":
            return self.steps(call.target, names) + self._bodies(macro, names, path)
        item = (*path, _ITEMS_STEP) if path is not None else None
        return self.steps(call.target, names) + self.turns(call.target, names) * self._bodies(macro, names, item)

    def _bodies(self, macro: Macro, names: Mapping[str, _Path | None], bound: _Path | None) -> int:
        inner = dict(names) | dict.fromkeys(macro.variables, None)
        # The last variable of a loop is the item, or the key of a map, which holds nothing.
        inner[macro.variables[-1]] = bound
        return 1 + sum(self.steps(body, inner) for body in macro.bodies)

    def turns(self, tree: Tree, names: Mapping[str, _Path | None]) -> int:
        """Items of what a loop runs over, at most."""
        path = self._path(tree, names)
        if path is not None:
            return max((_size(value) for value in self._at(path)), default=0)
        match tree:
            case Items():
                return len(tree.items)
            case Entries():
                return len(tree.entries)
            case Call(function="filter" | "map" | "transformList" | "transformMap", target=target) if (
                target is not None
            ):
                return self.turns(target, names)
            case Call(function="_+_", args=(left, right)):
                return self.turns(left, names) + self.turns(right, names)
        return max(self._size_of_all(), _LITERAL)

    def _path(self, tree: Tree, names: Mapping[str, _Path | None]) -> _Path | None:
        match tree:
            case Name():
                return names.get(tree.name)
            case Select():
                path = self._path(tree.target, names)
                return None if path is None else (*path, tree.field)
            case Call(function="_[_]" | "_[?_]", args=(target, _)):
                path = self._path(target, names)
                return None if path is None else (*path, _ITEMS_STEP)
            case Call(function="orValue" | "value" | "filter", target=target) if target is not None:
                return self._path(target, names)
        return None

    def _at(self, path: _Path) -> list[Any]:
        values = [self._variables[path[0]]]
        for step in path[1:]:
            values = [inner for value in values for inner in _below(value, step)]
        return values

    def _size_of_all(self) -> int:
        if self._largest is None:
            self._largest = max(map(_largest, self._variables.values()), default=0)
        return self._largest


def _below(value: Any, step: str) -> Iterator[Any]:
    if step == _ITEMS_STEP:
        if isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, list):
            yield from value
    elif isinstance(value, dict):
        if step in value:
            yield value[step]
        else:
            # An escaped name: any member may be meant.
            yield from value.values() if "__" in step else ()


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0


def _largest(value: Any) -> int:
    """The size of the largest list, map or text within a value."""
    largest, places = 0, [value]
    while places:
        place = places.pop()
        largest = max(largest, _size(place))
        if isinstance(place, dict):
            places.extend(place.values())
        elif isinstance(place, list):
            places.extend(place)
    return largest
