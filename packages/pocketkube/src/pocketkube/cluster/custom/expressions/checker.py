"""Finds what is wrong with an expression before it runs, in cel-go's words."""

from collections.abc import Mapping, Sequence

import msgspec

from pocketkube.cluster.custom.expressions.declared import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    UINT,
    DeclaredType,
    list_of,
    map_of,
    optional_of,
)
from pocketkube.cluster.custom.expressions.signatures import NAMESPACES, Signature, signatures
from pocketkube.cluster.custom.expressions.syntax import Call, Entries, Items, Literal, Name, Select, Tree

LITERALS = {"int": INT, "uint": UINT, "double": DOUBLE, "string": STRING, "bytes": BYTES, "bool": BOOL, "null": NULL}
TYPE_NAMES = {"bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"}
_NULLABLE = frozenset({"object", "duration", "timestamp", "dyn", "null", "optional"})
_PREDICATES = frozenset({"all", "exists", "exists_one", "existsOne"})
_ONE_VARIABLE = _PREDICATES | {"filter", "map"}
_TWO_VARIABLES = _PREDICATES | {"transformList", "transformMap"}


class TypeProblem(msgspec.Struct, frozen=True):
    at: int
    text: str


class Macro(msgspec.Struct, frozen=True):
    """A call whose arguments are not evaluated before it.

    Attributes:
        form: ``has``, ``optional``, ``loop`` or ``pairs`` (a loop of two variables).
    """

    form: str
    variables: tuple[str, ...] = ()
    bodies: tuple[Tree, ...] = ()


def macro_of(call: Call) -> Macro | None:
    """What a call binds, None where it is an ordinary one."""
    args, name = call.args, call.function
    if call.target is None:
        return Macro("has") if name == "has" and len(args) == 1 and isinstance(args[0], Select) else None
    if name in ("optMap", "optFlatMap") and len(args) == 2:
        return Macro("optional", _names(args[:1]), args[1:])
    if name in _ONE_VARIABLE and (len(args) == 2 or (name == "map" and len(args) == 3)):
        return Macro("loop", _names(args[:1]), args[1:]) if _names(args[:1]) else None
    if name in _TWO_VARIABLES and len(args) in (3, 4) and _names(args[:2]):
        return Macro("pairs", _names(args[:2]), args[2:])
    return None


def _names(trees: Sequence[Tree]) -> tuple[str, ...]:
    return tuple(tree.name for tree in trees if isinstance(tree, Name))


class Checker:
    """Finds the types of an expression's parts.

    Args:
        variables: names to types.
    """

    def __init__(self, variables: Mapping[str, DeclaredType]) -> None:
        self._scopes: list[Mapping[str, DeclaredType]] = [variables]
        self.problems: list[TypeProblem] = []
        self.used: set[str] = set()
        self.kinds: dict[int, DeclaredType] = {}

    def kind(self, tree: Tree) -> DeclaredType:
        """The type of a part; ``dyn`` where it is wrong or known at run time only."""
        found = self._kind(tree)
        self.kinds[id(tree)] = found
        return found

    def _kind(self, tree: Tree) -> DeclaredType:
        match tree:
            case Literal():
                return LITERALS[tree.type]
            case Name():
                return self._variable(tree)
            case Select():
                return self._select(tree)
            case Items():
                kinds = [
                    self._present(self.kind(item)) if index in tree.optional else self.kind(item)
                    for index, item in enumerate(tree.items)
                ]
                return list_of(_common(kinds))
            case Entries():
                keys = _common([self.kind(key) for key, _ in tree.entries])
                values = [
                    self._present(self.kind(value)) if index in tree.optional else self.kind(value)
                    for index, (_, value) in enumerate(tree.entries)
                ]
                return map_of(keys, _common(values))
            case Call():
                macro = macro_of(tree)
                return self._macro(tree, macro) if macro else self._call(tree)

    def _present(self, kind: DeclaredType) -> DeclaredType:
        return kind.item or DYN if kind.name == "optional" else DYN

    def _variable(self, tree: Name) -> DeclaredType:
        for scope in reversed(self._scopes):
            if tree.name in scope:
                if scope is self._scopes[0]:
                    self.used.add(tree.name)
                return scope[tree.name]
        if tree.name in TYPE_NAMES:
            return DeclaredType("type", item=DeclaredType(tree.name))
        self._undeclared(tree.at, tree.name)
        return DYN

    def _select(self, tree: Select) -> DeclaredType:
        target = self.kind(tree.target)
        inside = target.item or DYN if target.name == "optional" else target
        found = self._field(inside, tree)
        if tree.optional or target.name == "optional":
            return found if found.name == "optional" else optional_of(found)
        return found

    def _field(self, kind: DeclaredType, tree: Select) -> DeclaredType:
        if kind.name == "map":
            return kind.item or DYN
        if kind.name == "object" and kind.fields:
            found = kind.fields.kind(tree.field)
            if found is None:
                self.problems.append(TypeProblem(tree.at, f"undefined field '{tree.field}'"))
            return found or DYN
        if kind.name != "dyn":
            self.problems.append(TypeProblem(tree.at, f"type '{kind}' does not support field selection"))
        return DYN

    def _macro(self, call: Call, macro: Macro) -> DeclaredType:
        if macro.form == "has":
            self.kind(call.args[0])
            return BOOL
        assert call.target is not None
        over = self.kind(call.target)
        if macro.form == "optional":
            inner = over.item or DYN if over.name == "optional" else DYN
            result = self._scoped({macro.variables[0]: inner}, macro.bodies[0])
            return optional_of(result) if call.function == "optMap" else result
        return self._loop(call, macro, over)

    def _loop(self, call: Call, macro: Macro, over: DeclaredType) -> DeclaredType:
        if over.name not in ("list", "map", "dyn"):
            text = f"expression of type '{over}' cannot be range of a comprehension (must be list, map, or dynamic)"
            self.problems.append(TypeProblem(call.target.at if call.target else call.at, text))
            over = DYN
        key = over.key or DYN if over.name == "map" else INT if over.name == "list" else DYN
        item = over.item or DYN
        if macro.form == "loop":
            bound = {macro.variables[0]: key if over.name == "map" else item}
        else:
            bound = dict(zip(macro.variables, (key, item), strict=True))
        kinds = [self._scoped(bound, body) for body in macro.bodies]
        if call.function in _PREDICATES or call.function == "filter" or len(kinds) > 1:
            self._require_bool(macro.bodies[0], kinds[0])
        if call.function in _PREDICATES:
            return BOOL
        if call.function == "filter":
            return list_of(bound[macro.variables[0]])
        return map_of(key, kinds[-1]) if call.function == "transformMap" else list_of(kinds[-1])

    def _require_bool(self, body: Tree, kind: DeclaredType) -> None:
        if kind not in (BOOL, DYN):
            self.problems.append(TypeProblem(body.at, f"expected type 'bool' but found '{kind}'"))

    def _scoped(self, variables: Mapping[str, DeclaredType], tree: Tree) -> DeclaredType:
        self._scopes.append(variables)
        try:
            return self.kind(tree)
        finally:
            self._scopes.pop()

    def _call(self, call: Call) -> DeclaredType:
        if call.function in ("_&&_", "_||_"):
            for arg in call.args:
                self._require_bool(arg, self.kind(arg))
            return BOOL
        known = signatures()
        target = call.target
        if isinstance(target, Name) and target.name in NAMESPACES and not self._is_variable(target.name):
            name = f"{target.name}.{call.function}"
            return self._resolve(call, name, known.get(name), None)
        kind = self.kind(target) if target is not None else None
        return self._resolve(call, call.function, known.get(call.function), kind)

    def _is_variable(self, name: str) -> bool:
        return any(name in scope for scope in self._scopes)

    def _resolve(
        self, call: Call, name: str, overloads: Sequence[Signature] | None, target: DeclaredType | None
    ) -> DeclaredType:
        args = [self.kind(arg) for arg in call.args]
        if overloads is None:
            self._undeclared(call.at, name)
            return DYN
        results = []
        for overload in overloads:
            if (overload.target is None) == (target is None) and len(overload.args) == len(args):
                bound: dict[str, DeclaredType] = {}
                pairs = list(zip(overload.args, args, strict=True))
                if overload.target is not None and target is not None:
                    pairs.insert(0, (overload.target, target))
                if all(_fits(wanted, given, bound) for wanted, given in pairs):
                    results.append(_bound(overload.result, bound))
        if not results:
            shown = ", ".join(map(str, args))
            receiver = f"{target}." if target is not None else ""
            text = f"found no matching overload for '{name}' applied to '{receiver}({shown})'"
            self.problems.append(TypeProblem(call.at, text))
            return DYN
        if name == "type":
            return DeclaredType("type", item=args[0])
        return results[0] if all(result == results[0] for result in results) else DYN

    def _undeclared(self, at: int, name: str) -> None:
        self.problems.append(TypeProblem(at, f"undeclared reference to '{name}' (in container '')"))


def _common(kinds: Sequence[DeclaredType]) -> DeclaredType:
    if not kinds:
        return DYN
    return kinds[0] if all(kind == kinds[0] for kind in kinds) else DYN


def _fits(wanted: DeclaredType, given: DeclaredType, bound: dict[str, DeclaredType]) -> bool:
    """Whether a value of one type may stand for another; binds type parameters."""
    if wanted.name.isupper():
        known = bound.get(wanted.name)
        if known is None or known.name == "dyn":
            bound[wanted.name] = given if given.name != "dyn" or known is None else known
            return True
        if known.name == "null" and given.name in _NULLABLE:
            bound[wanted.name] = given
            return True
        return _fits(known, given, {})
    if wanted.name == "dyn" or given.name == "dyn":
        return True
    if given.name == "null" and wanted.name in _NULLABLE:
        return True
    if wanted.name == "null" and given.name in _NULLABLE:
        return True
    if wanted.name != given.name:
        return False
    if wanted.key is not None and given.key is not None and not _fits(wanted.key, given.key, bound):
        return False
    return wanted.item is None or given.item is None or wanted.name == "type" or _fits(wanted.item, given.item, bound)


def _bound(kind: DeclaredType, bound: Mapping[str, DeclaredType]) -> DeclaredType:
    if kind.name.isupper():
        return bound.get(kind.name, DYN)
    if kind.item is None:
        return kind
    key = _bound(kind.key, bound) if kind.key else None
    return DeclaredType(kind.name, item=_bound(kind.item, bound), key=key)


def shown(problems: Sequence[TypeProblem], source: str) -> str:
    """Problems as cel-go prints them, each with its line and a pointer."""
    texts = []
    for problem in sorted(problems, key=lambda problem: problem.at):
        start = source.rfind("\n", 0, problem.at) + 1
        line = source[start:].partition("\n")[0]
        column, row = problem.at - start, source.count("\n", 0, problem.at) + 1
        texts.append(f"ERROR: <input>:{row}:{column + 1}: {problem.text}\n | {line}\n | {'.' * column}^")
    return "\n".join(texts)
