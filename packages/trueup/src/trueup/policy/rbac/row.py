"""One row of a policy: ``p, subject, resource, action, object, effect`` or ``g, subject, role``."""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from kubegrammar import pattern
from kubegrammar.glob import glob_problem
from kubegrammar.visible import seen, visible
from trueup.policy.rbac.words import ACTIONS, FINE, RESOURCES

MatchMode: TypeAlias = Literal["glob", "regex"]

_SHOWN: Final = 120
_SPECIAL: Final = frozenset("*?[]{}\\")


class Right(msgspec.Struct, frozen=True):
    """A ``p`` row. Resource, action and object are patterns."""

    subject: str
    resource: str
    action: str
    object: str
    allows: bool


class Membership(msgspec.Struct, frozen=True):
    """A ``g`` row: who is ``member`` has the rights of ``role``."""

    member: str
    role: str


PolicyRow: TypeAlias = Right | Membership


class RowProblem(ValueError):
    """A row cannot be read; says why."""


def read_rows(text: str, mode: MatchMode) -> Iterator[tuple[int, PolicyRow | RowProblem]]:
    """The rows of a text with their lines, from 1; blank lines and comments are none."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            try:
                yield number, read_row(line, mode)
            except RowProblem as problem:
                yield number, problem


def read_row(line: str, mode: MatchMode) -> PolicyRow:
    """A row.

    Raises:
        RowProblem.
    """
    kind, *said = fields(line)
    if kind not in ("p", "g"):
        raise RowProblem(f"unknown row type {_shown(kind)}: a row begins with p or g")
    if len(said) != (5 if kind == "p" else 2):
        form = "p, subject, resource, action, object, effect" if kind == "p" else "g, subject, role"
        raise RowProblem(f"expected {6 if kind == 'p' else 3} fields, not {len(said) + 1}: {form}")
    for field in said:
        if not seen(field, keep=""):
            raise RowProblem(f"control character in {_shown(field)}")
    if not said[0]:
        raise RowProblem("subject required")
    if kind == "g":
        if not said[1]:
            raise RowProblem("role required")
        return Membership(*said)
    return _right(said, mode)


def _right(said: list[str], mode: MatchMode) -> Right:
    subject, resource, action, name, effect = said
    if effect not in ("allow", "deny"):
        raise RowProblem(f"effect must be: 'allow' or 'deny', not {_shown(effect)}")
    for text in (resource, action, name):
        if problem := pattern_problem(text, mode):
            raise RowProblem(f"invalid pattern {_shown(text)}: {problem}")
    right = Right(subject, resource, action, name, effect == "allow")
    if (problem := misspelt(right, mode)) and not right.allows:
        # A denial that denies nothing: nobody may find out by what it was to prevent.
        raise RowProblem(problem)
    return right


def pattern_problem(text: str, mode: MatchMode) -> str:
    """What is wrong with a pattern; empty when nothing is."""
    if mode == "glob":
        return "" if _SPECIAL.isdisjoint(text) else glob_problem(text)
    try:
        pattern.given(text)
    except pattern.BadPattern as error:
        return str(error)
    return ""


def misspelt(right: Right, mode: MatchMode) -> str:
    """Which word of a row there is not, so that it is about nothing; patterns may be about anything."""
    if mode == "regex":
        return ""
    if _SPECIAL.isdisjoint(right.resource) and right.resource not in RESOURCES:
        return f"unknown resource {_shown(right.resource)}: it is one of {', '.join(sorted(RESOURCES))}"
    verb, slash, _ = right.action.partition("/")
    if _SPECIAL.isdisjoint(verb) and (verb not in ACTIONS or (slash and verb not in FINE)):
        return f"unknown action {_shown(right.action)}: it is one of {', '.join(ACTIONS)}"
    return ""


def fields(line: str) -> list[str]:
    """The fields of a line of CSV as Go's reader takes them apart that skips white space before a field.

    A quoted field ends with its quote, inside two quotes are one; elsewhere a quote is an error.

    Raises:
        RowProblem.
    """
    found: list[str] = []
    rest = line
    while True:
        rest = rest.lstrip()
        if not rest.startswith('"'):
            field, comma, rest = rest.partition(",")
            if '"' in field:
                raise RowProblem(f'a quote inside of {_shown(field)}: quote the whole field, and write "" for a quote')
        else:
            field, comma, rest = _quoted(rest)
        found.append(field)
        if not comma:
            return found


def _quoted(text: str) -> tuple[str, str, str]:
    """A quoted field at the beginning of a text, whether a comma follows, and what is behind it."""
    field, at = "", 1
    while True:
        end = text.find('"', at)
        if end < 0:
            raise RowProblem("a quote is not closed")
        field += text[at:end]
        if not text.startswith('"', end + 1):
            break
        field += '"'
        at = end + 2
    after = text[end + 1 :]
    if after and not after.startswith(","):
        raise RowProblem(f"{_shown(after)} follows a quoted field")
    return field, after[:1], after[1:]


def _shown(text: str) -> str:
    return f"'{visible(text[:_SHOWN], keep='')}'"
