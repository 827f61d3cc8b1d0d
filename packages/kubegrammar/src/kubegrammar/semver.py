"""Semantic versions and the ranges of github.com/Masterminds/semver, as Helm and Argo CD resolve them."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from kubegrammar import pattern

_IDENTIFIERS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_NUMBER: Final = "(?:0|[1-9][0-9]*)"
_STRICT: Final = pattern.compile(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:[-+].*)?")
_PARTIAL: Final = rf"v?([0-9xX*]+)(?:\.([0-9xX*]+))?(?:\.([0-9xX*]+))?(-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?"
_PLAIN_PARTIAL: Final = _PARTIAL.replace("(?:", "(").replace("(", "(?:")
_OPERATOR: Final = r"(?:=>|=<|>=|<=|!=|~>|=|>|<|~|\^|)"
_ONE: Final = pattern.compile(rf"({_OPERATOR}) ?{_PARTIAL}")
_ALL: Final = pattern.compile(rf" ?{_OPERATOR} ?{_PLAIN_PARTIAL} ?(?:(?: |, ?){_OPERATOR} ?{_PLAIN_PARTIAL} ?)*")
_HYPHENATED: Final = pattern.compile(rf" ?({_PLAIN_PARTIAL}) - ({_PLAIN_PARTIAL}) ?")
_BLANKS: Final = pattern.compile(r"[ \t\n\r\f]+")
_ANYTHING: Final = frozenset(("x", "X", "*"))
_LARGEST: Final = 2**64 - 1
_LONGEST_TEXT: Final = 1000


class Version(Struct, frozen=True):
    """A version; build metadata plays no part in comparing and is left out."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""


class _Constraint(Struct, frozen=True):
    """One comparison.

    Attributes:
        open_from: the first part that is missing or a wildcard: 0 major, 1 minor, 2 patch, 3 none.
    """

    operator: str
    bound: Version
    open_from: int


def parse_version(text: str) -> Version | None:
    """The version that a text names, None if it names none. A ``v`` in front and missing parts are tolerated."""
    if len(text) > _LONGEST_TEXT or not text.isascii():
        return None
    rest, plus, build = text.partition("+")
    rest, dash, prerelease = rest.partition("-")
    numbers = rest.removeprefix("v").split(".")
    if len(numbers) > 3 or not all(map(str.isdigit, numbers)):
        return None
    if (plus and not _are_identifiers(build)) or (dash and not _are_identifiers(prerelease)):
        return None
    major, minor, patch = (*map(int, numbers), 0, 0)[:3]
    zero_padded = any(p.isdigit() and len(p) > 1 and p[0] == "0" for p in prerelease.split("."))
    if max(major, minor, patch) > _LARGEST or zero_padded:
        return None
    return Version(major, minor, patch, prerelease)


def _are_identifiers(text: str) -> bool:
    return all(each.replace("-", "0").isalnum() for each in text.split("."))


def is_strict(text: str) -> bool:
    """Whether a text is a version as semver.org spells it, a ``v`` in front aside: three numbers without leading zeros.

    Flux (``fluxcd/pkg/version``) takes no other tag for a version, so that ``20240101`` is none.
    """
    return _STRICT.fullmatch(text) is not None and parse_version(text) is not None


def is_range(text: str) -> bool:
    """Whether a text is a constraint on versions rather than a version or another name. ``1.2`` is a version."""
    return parse_version(text) is None and _parse(text) is not None


def best_match(constraint: str, versions: Iterable[str]) -> str | None:
    """The highest of the versions that satisfy the constraint, spelt as given; None when none does.

    Prereleases count only for a group of comparisons of which one names a prerelease (``>=1.0.0-0``). Of equal versions
    the first is taken. Names that are no version are passed over, as is a constraint that is none.
    """
    groups = _parse(constraint) or []
    best: tuple[Version, str] | None = None
    for text in versions:
        version = parse_version(text)
        if version is None or not any(_satisfies(version, group) for group in groups):
            continue
        if best is None or compare(version, best[0]) > 0:
            best = (version, text)
    return best[1] if best else None


def compare(left: Version, right: Version) -> int:
    """Negative, zero or positive as `left` is older than, equal to or newer than `right`."""
    ours, theirs = (left.major, left.minor, left.patch), (right.major, right.minor, right.patch)
    if ours != theirs:
        return 1 if ours > theirs else -1
    if not left.prerelease or not right.prerelease:
        return bool(right.prerelease) - bool(left.prerelease)
    return _compare_prereleases(left.prerelease, right.prerelease)


def _compare_prereleases(left: str, right: str) -> int:
    ours, theirs = left.split("."), right.split(".")
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            return 1 if _identifier_key(one) > _identifier_key(other) else -1
    return (len(ours) > len(theirs)) - (len(ours) < len(theirs))


def _identifier_key(identifier: str) -> tuple[bool, int, str]:
    """Numbers come before words; Masterminds takes numbers beyond 64 bits for words."""
    if identifier.isdigit() and (number := int(identifier)) <= _LARGEST:
        return (False, number, "")
    return (True, 0, identifier)


def _parse(text: str) -> list[list[_Constraint]] | None:
    """The alternatives of a constraint, each a group of comparisons that must all hold; None if it is malformed."""
    if len(text) > _LONGEST_TEXT:
        return None
    text = _BLANKS.sub(" ", text)
    text = _HYPHENATED.sub(r">= \1, <= \2 ", text)
    groups = []
    for alternative in text.split("||"):
        if not _ALL.fullmatch(alternative):
            return None
        group = [_constraint(match) for match in _ONE.finditer(alternative)]
        if None in group:
            return None
        groups.append([constraint for constraint in group if constraint])
    return groups


def _constraint(match: pattern.Match[str]) -> _Constraint | None:
    parts = [match[2], match[3], match[4]]
    open_from = next((n for n, part in enumerate(parts) if part is None or part in _ANYTHING), 3)
    numbers = ".".join(["0" if n >= open_from else part for n, part in enumerate(parts)])
    bound = parse_version(numbers + (match[5] or ""))
    return None if bound is None else _Constraint(match[1], bound, open_from)


def _satisfies(version: Version, group: list[_Constraint]) -> bool:
    if version.prerelease and not any(constraint.bound.prerelease for constraint in group):
        return False
    return all(_holds(version, constraint) for constraint in group)


def _holds(version: Version, constraint: _Constraint) -> bool:
    operator, bound = constraint.operator, constraint.bound
    if operator in ("", "=") and constraint.open_from == 3:
        return compare(version, bound) == 0
    if operator in ("", "=", "~", "~>"):
        return _tilde(version, constraint)
    if operator == "^":
        return _caret(version, constraint)
    if operator == "!=":
        return _differs(version, constraint)
    if operator == ">":
        return _exceeds(version, constraint)
    if operator in ("<=", "=<"):
        return _at_most(version, constraint)
    order = compare(version, bound)
    return order < 0 if operator == "<" else order >= 0


def _tilde(version: Version, constraint: _Constraint) -> bool:
    """The same minor version or, where only a major one is given, the same major version; not older."""
    bound, open_from = constraint.bound, constraint.open_from
    if compare(version, bound) < 0:
        return False
    if open_from in (0, 3) and bound.major == bound.minor == bound.patch == 0:
        return True
    return version.major == bound.major and (version.minor == bound.minor or open_from == 1)


def _caret(version: Version, constraint: _Constraint) -> bool:
    """The same leftmost part that is not zero; not older."""
    bound, open_from = constraint.bound, constraint.open_from
    if compare(version, bound) < 0:
        return False
    if bound.major > 0 or open_from == 1:
        return version.major == bound.major
    if version.major > 0:
        return False
    if bound.minor > 0 or open_from == 2:
        return version.minor == bound.minor
    return version.minor == 0 and version.patch == bound.patch


def _differs(version: Version, constraint: _Constraint) -> bool:
    bound, open_from = constraint.bound, constraint.open_from
    if open_from in (0, 3):
        return compare(version, bound) != 0
    if version.major != bound.major:
        return True
    if open_from == 1:
        return False
    return version.minor != bound.minor or version.prerelease != bound.prerelease


def _exceeds(version: Version, constraint: _Constraint) -> bool:
    """``>11`` is beyond every 11.x, ``>11.1`` beyond every 11.1.x."""
    bound, open_from = constraint.bound, constraint.open_from
    if open_from in (0, 3) or version.major != bound.major:
        return compare(version, bound) > 0
    return open_from == 2 and version.minor > bound.minor


def _at_most(version: Version, constraint: _Constraint) -> bool:
    """``<=11`` holds for every 11.x, ``<=11.1`` for every 11.1.x."""
    bound, open_from = constraint.bound, constraint.open_from
    if open_from == 3:
        return compare(version, bound) <= 0
    return version.major < bound.major or (
        version.major == bound.major and (open_from == 1 or version.minor <= bound.minor)
    )
