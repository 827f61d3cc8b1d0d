r"""Regular expressions in Go's syntax (RE2), matched in linear time.

The engine is that of the CEL library (Rust's ``regex``), which never backtracks, so that no pattern can hang the
server. A pattern is first brought from Go's dialect to Rust's: ``\d``, ``\w``, ``\s`` and ``\b`` are ASCII in Go, and a
class such as ``[[&&]`` is no set operation.
"""

import re
from functools import lru_cache
from typing import Final

from pocketkube.cluster.custom.library import cel

_MATCHES: Final = cel.compile("text.matches(pattern)")
_CLASSES: Final = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_LONGEST_KEPT: Final = 200
_ESCAPABLE: Final = frozenset("aftnrvxdDsSwWbBAzpPQEC01234567")
_REPETITION: Final = re.compile(r"\{(\d+)(,(\d*))?\}")
_MOST_REPETITIONS: Final = 1000
_GROUP_OPENING: Final = re.compile(r"\(\?(?:[imsU]*(?:-[imsU]+)?[:)]|P?<[A-Za-z_]\w*>)", re.ASCII)


class BadExpression(ValueError):
    """No regular expression; the message is Go's: ``error parsing regexp: missing closing ): `(` ``."""


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text.

    Raises:
        BadPattern: see there.
    """
    if len(text) <= _LONGEST_KEPT:
        return _kept(pattern, text)
    return _matches(pattern, text)


def _matches(pattern: str, text: str) -> bool:
    try:
        return bool(_MATCHES.execute({"text": text, "pattern": translated(pattern)}))
    except RuntimeError as error:
        raise BadExpression(f"error parsing regexp: {error}") from error


_kept = lru_cache(16_384)(_matches)


def check_pattern(pattern: str) -> None:
    """
    Raises:
        BadPattern: see there.
    """
    matches(pattern, "")


@lru_cache(4_096)
def translated(pattern: str) -> str:
    """A pattern of Go's in the dialect of the engine.

    Raises:
        BadPattern: Go would not take it.
    """
    return _Translation(pattern).text()


class _Translation:
    """One reading of a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._opened: list[int] = []
        self._repeatable = False

    def text(self) -> str:
        while self._at < len(self._pattern):
            self._next(self._pattern[self._at])
        if self._opened:
            raise self._failure("missing closing )", self._pattern)
        return "".join(self._out)

    def _next(self, char: str) -> None:
        match char:
            case "\\":
                self._escape(within=False)
                self._repeatable = True
            case "[":
                self._character_class()
                self._repeatable = True
            case "(":
                self._open()
            case ")":
                if not self._opened:
                    raise self._failure("unexpected )", self._pattern)
                self._opened.pop()
                self._take(")", repeatable=True)
            case "*" | "+" | "?":
                self._repeat(char)
            case "{":
                self._count()
            case "|" | "^":
                self._take(char, repeatable=char == "^")
            case _:
                self._take("\\" + char if char in "}]" else char, repeatable=True)

    def _take(self, out: str, *, repeatable: bool, length: int = 1) -> None:
        self._out.append(out)
        self._at += length
        self._repeatable = repeatable

    def _open(self) -> None:
        self._opened.append(self._at)
        if not self._pattern.startswith("(?", self._at):
            return self._take("(", repeatable=False)
        opening = _GROUP_OPENING.match(self._pattern, self._at)
        if opening is None:
            end = min(len(self._pattern), self._at + 3)
            raise self._failure("invalid or unsupported Perl syntax", self._pattern[self._at : end])
        if opening[0].endswith(")"):
            self._opened.pop()
        return self._take(opening[0], repeatable=False, length=len(opening[0]))

    def _repeat(self, operator: str) -> None:
        if not self._repeatable:
            raise self._failure("missing argument to repetition operator", operator)
        lazy = self._pattern.startswith("?", self._at + 1)
        after = self._at + 1 + lazy
        if after < len(self._pattern) and self._pattern[after] in "*+?":
            raise self._failure("invalid nested repetition operator", self._pattern[self._at : after + 1])
        self._take(operator + "?" * lazy, repeatable=True, length=1 + lazy)

    def _count(self) -> None:
        count = _REPETITION.match(self._pattern, self._at)
        if count is None:
            return self._take("\\{", repeatable=True)
        low, high = int(count[1]), int(count[3]) if count[3] else -1
        if max(low, high) > _MOST_REPETITIONS or 0 <= high < low:
            raise self._failure("invalid repeat count", count[0])
        if not self._repeatable:
            raise self._failure("missing argument to repetition operator", count[0])
        return self._take(count[0], repeatable=True, length=len(count[0]))

    def _escape(self, *, within: bool) -> None:
        """An escape sequence; ``within`` a character class."""
        if self._at + 1 >= len(self._pattern):
            raise self._failure("trailing backslash at end of expression", "")
        char = self._pattern[self._at + 1]
        lower = char.lower()
        if lower in _CLASSES:
            members = _CLASSES[lower]
            if char.isupper():
                self._take(f"[^{members}]", repeatable=True, length=2)
            else:
                self._take(members if within else f"[{members}]", repeatable=True, length=2)
        elif char in "bB" and not within:
            self._take(f"(?-u:\\{char})", repeatable=True, length=2)
        elif char == "Q" and not within:
            end = self._pattern.find("\\E", self._at)
            quoted = self._pattern[self._at + 2 : end if end >= 0 else len(self._pattern)]
            length = len(quoted) + (4 if end >= 0 else 2)
            self._take("".join(map(_literal, quoted)), repeatable=True, length=length)
        elif char.isalnum() and char not in _ESCAPABLE:
            raise self._failure("invalid escape sequence", f"\\{char}")
        else:
            kept = char.isalnum() or char in ".+*?()|[]{}^$\\-"
            self._take(f"\\{char}" if kept else _literal(char), repeatable=True, length=2)

    def _character_class(self) -> None:
        start = self._at
        self._take("[", repeatable=False)
        if self._pattern.startswith("^", self._at):
            self._take("^", repeatable=False)
        first = True
        while first or not self._pattern.startswith("]", self._at):
            if self._at >= len(self._pattern):
                raise self._failure("missing closing ]", self._pattern[start:])
            first = False
            if self._pattern.startswith("[:", self._at) and (end := self._pattern.find(":]", self._at)) >= 0:
                self._take(self._pattern[self._at : end + 2], repeatable=False, length=end + 2 - self._at)
            elif self._pattern[self._at] == "\\":
                self._escape(within=True)
            elif self._pattern[self._at] in "[]&~":
                self._take(f"\\{self._pattern[self._at]}", repeatable=False)
            else:
                self._member()
        self._take("]", repeatable=True)

    def _member(self) -> None:
        """One character of a class, or a range from it."""
        low, rest = self._pattern[self._at], self._pattern[self._at + 1 : self._at + 3]
        if low == "-":
            return self._take("\\-", repeatable=False)
        if len(rest) == 2 and rest[0] == "-" and rest[1] not in "]\\[":
            if rest[1] < low:
                raise self._failure("invalid character class range", low + rest)
            return self._take(f"{_literal(low)}-{_literal(rest[1])}", repeatable=False, length=3)
        if len(rest) == 2 and rest[0] == "-" and rest[1] in "\\[":
            return self._take(f"{_literal(low)}-", repeatable=False, length=2)
        return self._take(_literal(low), repeatable=False)

    def _failure(self, why: str, where: str) -> BadExpression:
        return BadExpression(f"error parsing regexp: {why}: `{where}`")


def _literal(char: str) -> str:
    return f"\\{char}" if char in ".+*?()|[]{}^$\\#&-~" else char
