"""One rule of ``x-kubernetes-validations``: compiled once, run on many values.

The order of checks and all texts are those of ``pkg/apiserver/schema/cel/{compilation,validation}.go``.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from pocketkube.cluster.custom import problems
from pocketkube.cluster.custom.expressions.bounds import MOST_STEPS, steps
from pocketkube.cluster.custom.expressions.checker import Checker, shown
from pocketkube.cluster.custom.expressions.declared import BOOL, DYN, STRING, DeclaredType, kind_of, optional_of
from pocketkube.cluster.custom.expressions.emitter import PREFIX, Emitter
from pocketkube.cluster.custom.expressions.library import FUNCTIONS
from pocketkube.cluster.custom.expressions.syntax import Call, Entries, Items, Name, Select, Tree, Unreadable, parse
from pocketkube.cluster.custom.field_paths import PathError, field_path
from pocketkube.cluster.custom.library import cel
from pocketkube.cluster.custom.schema import Schema, SchemaNode
from pocketkube.cluster.failure import FieldCause

# A function that refuses its arguments is part of a rule's outcome; the library logs each.
logging.getLogger("cel").setLevel(logging.CRITICAL)

_LONGEST_MESSAGE: Final = 5 * 1024
_SYNTAX_ERROR: Final = re.compile(r"ERROR: <input>:\d+:\d+: Syntax error.*", re.DOTALL)
_FUNCTION_ERROR: Final = re.compile(
    r"Function '.*?' error: (?:Python function call failed: \w+: )?(.*?)"
    r"(?:\. Check function arguments and their types\.)?",
    re.DOTALL,
)


class FailedExpression(Exception):
    """An expression that came to no result; the message is cel-go's where it is known."""

    def __init__(self, text: str, *, is_overload: bool = False, is_too_long: bool = False) -> None:
        super().__init__(text)
        self.is_overload = is_overload
        self.is_too_long = is_too_long


class Expression:
    """A compiled expression.

    Args:
        source: CEL.
        variables: names to types.

    Attributes:
        problem: what is wrong with it, "" where nothing is.
        used: the variables it uses.
    """

    def __init__(
        self, source: str, variables: Mapping[str, DeclaredType], wanted: DeclaredType, otherwise: str
    ) -> None:
        self.problem = ""
        self.used: frozenset[str] = frozenset()
        try:
            self._tree = parse(source)
        except Unreadable as error:
            self.problem = _syntax_error(source, error)
            return
        checker = Checker(variables)
        kind = checker.kind(self._tree)
        self.used = frozenset(checker.used)
        if checker.problems:
            self.problem = shown(checker.problems, source)
        elif kind not in (wanted, DYN):
            self.problem = otherwise
        else:
            self._compile(checker, variables)

    def _compile(self, checker: Checker, variables: Mapping[str, DeclaredType]) -> None:
        emitter = Emitter(checker.kinds, frozenset(variables))
        text = emitter.emit(self._tree)
        self._fields = {name: _fields(self._tree, name) for name in self.used}
        self._functions = {PREFIX + name: FUNCTIONS[name] for name in emitter.functions if name in FUNCTIONS}
        self._loops = any(name in text for name in (".all(", ".exists", ".map(", ".filter("))
        try:
            self._program = cel.compile(text)
        except ValueError as error:
            self.problem = str(error)

    def run(self, variables: Mapping[str, Any]) -> Any:
        """
        Raises:
            Failed: see there.
        """
        if self._loops and steps(self._tree, variables) > MOST_STEPS:
            raise FailedExpression("operation cancelled: actual cost limit exceeded", is_too_long=True)
        used = {name: self._needed(name, variables[name]) for name in self.used if name in variables}
        try:
            return self._program.execute(cel.Context(variables=used, functions=self._functions))
        except KeyError as error:
            raise FailedExpression(f"no such key: {error.args[0]}") from error
        except ZeroDivisionError as error:
            raise FailedExpression("division by zero") from error
        except OverflowError as error:
            raise FailedExpression("integer overflow") from error
        except TypeError as error:
            raise FailedExpression("no such overload", is_overload=True) from error
        except (IndexError, RuntimeError, ValueError) as error:
            raise _function_failure(str(error)) from error

    def _needed(self, name: str, value: Any) -> Any:
        """The part of a variable that the expression reads: what the library is given it copies."""
        fields = self._fields[name]
        if fields is None or not isinstance(value, dict):
            return value
        return {field: value[field] for field in fields if field in value}


class Rule:
    """A compiled rule.

    Args:
        rule: an entry of ``x-kubernetes-validations``.
        node: the schema it stands at.
        resource: that is the root of a resource.

    Attributes:
        error, message_error: what is wrong with the rule and its ``messageExpression``, "" where nothing is.
        uses_old_self: it compares with the value before.
        optional_old_self: it runs without one too.
    """

    def __init__(self, rule: Schema, node: SchemaNode, *, resource: bool) -> None:
        self._rule, self._node = rule, node
        self.error = self.message_error = ""
        self.uses_old_self = False
        self.optional_old_self = bool(rule.get("optionalOldSelf"))
        self._message: Expression | None = None
        self._path = self._field_path()
        source = rule.get("rule") or ""
        self._empty = not source.strip()
        if self._empty:
            return
        kind = kind_of(node, resource=resource) or DYN
        variables = {"self": kind, "oldSelf": optional_of(kind) if self.optional_old_self else kind}
        self._expression = Expression(source, variables, BOOL, "cel expression must evaluate to a bool")
        if self._expression.problem:
            self.error = _compilation(self._expression.problem, "")
            return
        self.uses_old_self = "oldSelf" in self._expression.used
        if rule.get("messageExpression"):
            words = "messageExpression must evaluate to a string"
            message = Expression(rule["messageExpression"], variables, STRING, words)
            if message.problem:
                self.message_error = _compilation(message.problem, "messageExpression ")
            else:
                self._message = message

    def _field_path(self) -> str:
        if not self._rule.get("fieldPath"):
            return ""
        try:
            return field_path(self._rule["fieldPath"], self._node.schema)[0]
        except PathError:
            return ""

    def run(self, value: Any, old: Any, field: str) -> FieldCause | None:
        """What the rule says of a value.

        Args:
            value: as expressions see it.
            old: the value before; None where there is none.

        Raises:
            Failed: no other rule is to be run.
        """
        place = field or problems.NOWHERE
        if self._empty:
            return None
        if self.error:
            return problems.invalid(place, self._node.type, f"rule compile error: {self.error}")
        if self.uses_old_self and old is None and not self.optional_old_self:
            return None
        variables = {"self": value}
        if self.uses_old_self or self._message is not None:
            variables["oldSelf"] = self._old(old)
        try:
            holds = self._expression.run(variables)
        except FailedExpression as failed:
            return self._failure(failed, place)
        return None if holds is True else self._cause(variables, value, field)

    def _old(self, old: Any) -> Any:
        if not self.optional_old_self:
            return old
        return cel.OptionalValue.none() if old is None else cel.OptionalValue.of(old)

    def _failure(self, failed: FailedExpression, place: str) -> FieldCause:
        name = self._name()
        if failed.is_too_long:
            text = (
                f"'{failed}': no further validation rules will be run due to call cost exceeds limit for rule: {name}"
            )
            raise FailedExpression(text, is_too_long=True)
        if failed.is_overload:
            signature = "call arguments did not match a supported operator, function or macro signature for rule"
            return problems.invalid(place, self._node.type, f"'{failed}': {signature}: {name}")
        return problems.invalid(place, self._node.type, f"{failed} evaluating rule: {name}")

    def _cause(self, variables: Mapping[str, Any], value: Any, field: str) -> FieldCause:
        path = self._path
        place = (f"{field}.{path}" if field and path else field or path) or problems.NOWHERE
        detail = self._detail(variables)
        shown_value = problems.OMITTED if self._node.type in ("object", "array") else value
        match self._rule.get("reason"):
            case "FieldValueForbidden":
                return problems.forbidden(place, detail)
            case "FieldValueRequired":
                return problems.required(place, detail)
            case "FieldValueDuplicate":
                return problems.duplicate(place, shown_value)
        return problems.invalid(place, shown_value, detail)

    def _detail(self, variables: Mapping[str, Any]) -> str:
        if self._message is not None:
            try:
                text = self._message.run(variables)
            except FailedExpression:
                text = ""
            text = text.strip() if isinstance(text, str) else ""
            if text and "\n" not in text and len(text.encode()) <= _LONGEST_MESSAGE:
                return text
        message: str = self._rule.get("message") or ""
        return message.strip() if message else f"failed rule: {self._name()}"

    def _name(self) -> str:
        text: str = self._rule.get("message") or self._rule["rule"]
        return text.strip()


def _compilation(problem: str, what: str) -> str:
    if problem.startswith(("cel expression must", "messageExpression must")):
        return problem
    return f"{what}compilation failed: {problem}"


def _syntax_error(source: str, error: Unreadable) -> str:
    """The library's parser words syntax errors as cel-go's does; what it cannot say, and what is too large, we say."""
    if len(source) > 4_096 or str(error).startswith(("expression", "too many")):
        return f"ERROR: <input>:1:1: {error}"
    try:
        cel.compile(source)
    except ValueError as refusal:
        if found := _SYNTAX_ERROR.search(str(refusal)):
            return found[0].rstrip().replace("\n|", "\n |")
    return f"ERROR: <input>:1:1: Syntax error: {error}"


def _function_failure(text: str) -> FailedExpression:
    found = _FUNCTION_ERROR.fullmatch(text)
    message = found[1] if found else text
    too_long = message.startswith("operation cancelled: actual cost limit exceeded")
    return FailedExpression(message, is_too_long=too_long, is_overload=message.startswith("no such overload"))


def _fields(tree: Tree, name: str) -> frozenset[str] | None:
    """The fields of a variable that an expression reads, None where it may read all."""
    found: set[str] = set()
    places: list[Tree] = [tree]
    while places:
        place = places.pop()
        match place:
            case Select(target=Name(name=target)) if target == name:
                if "__" in place.field:
                    return None
                found.add(place.field)
            case Name(name=target) if target == name:
                return None
            case Select():
                places.append(place.target)
            case Call():
                places += place.args
                if place.target is not None:
                    places.append(place.target)
            case Items():
                places += place.items
            case Entries():
                places += [part for entry in place.entries for part in entry]
    return frozenset(found)
