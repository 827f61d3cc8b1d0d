"""Patterns whose search takes time linear in the text, whatever pattern and text are (RE2).

Most text that tools of Kubernetes read was written by somebody else: files, annotations, names of refs, answers of
servers. The patterns of Python's ``re`` can take time exponential in such a text. The syntax is RE2's: no look-around,
no back-references, ``\\z`` for the end of the text, flags as ``(?ims)``; ``\\w``, ``\\d`` and ``\\s`` are ASCII
(``WORD`` and ``SPACE`` are not).

A match from some place in the middle is not offered: the text would be encoded anew each time. What is read piece by
piece is read by code.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, AnyStr, Generic, Protocol, TypeVar

SPACE = "\\t-\\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""For use between brackets: what :meth:`str.isspace` takes for white space."""

WORD = r"\p{L}\p{N}_"
"""For use between brackets: letters and digits of every script, and the underscore."""

_MEMORY = 4 * 1024 * 1024
"""Bytes that one pattern and its search may take; beyond, RE2 is slower, not larger."""

_T = TypeVar("_T", str, bytes, covariant=True)


class BadPattern(ValueError):
    """A text is no pattern; says why."""


class Match(Protocol[_T]):
    """Where a pattern was found. Groups by number or name; None for one that took no part."""

    def __getitem__(self, group: int | str) -> Any: ...

    def groups(self) -> tuple[Any, ...]: ...

    def start(self, group: int | str = 0) -> int: ...

    def end(self, group: int | str = 0) -> int: ...


class Pattern(Generic[AnyStr]):
    """A pattern, compiled when it is first asked for: of the hundred that a command names it asks a few.

    Half of a surrogate pair, which no text has, is read as U+FFFD.
    """

    def __init__(self, pattern: AnyStr) -> None:
        self._pattern: str | bytes = pattern

    @cached_property
    def _compiled(self) -> Any:
        # With the first pattern that is asked, not before: a command that has no text to look through goes without.
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        if isinstance(self._pattern, bytes):
            # Byte by byte: a file need not be UTF-8.
            options.encoding = re2.Options.Encoding.LATIN1
        try:
            return re2.compile(self._pattern, options)
        except (re2.error, UnicodeError) as error:
            raise BadPattern(_reason(error)) from None

    def match(self, text: AnyStr) -> Match[AnyStr] | None:
        """Where the text begins so."""
        found: Match[AnyStr] | None = self._asked(self._compiled.match, text)
        return found

    def fullmatch(self, text: AnyStr) -> Match[AnyStr] | None:
        """Where the whole text is so."""
        found: Match[AnyStr] | None = self._asked(self._compiled.fullmatch, text)
        return found

    def search(self, text: AnyStr) -> Match[AnyStr] | None:
        """The first place."""
        found: Match[AnyStr] | None = self._asked(self._compiled.search, text)
        return found

    def finditer(self, text: AnyStr) -> Iterator[Match[AnyStr]]:
        """All places that do not overlap."""
        found: Iterator[Match[AnyStr]] = self._compiled.finditer(_text(text))
        return found

    def findall(self, text: AnyStr) -> list[Any]:
        """The text of all places; with groups that of the groups, empty for one that took no part."""
        found: list[Any] = self._compiled.findall(_text(text))
        return found

    def sub(self, replacement: AnyStr | Callable[[Match[AnyStr]], AnyStr], text: AnyStr) -> AnyStr:
        """The text with every place replaced; ``\\1`` in a replacement stands for a group."""
        done: AnyStr = self._asked(lambda text: self._compiled.sub(replacement, text), text)
        return done

    def split(self, text: AnyStr) -> list[AnyStr]:
        """What is between the places."""
        found: list[AnyStr] = self._asked(self._compiled.split, text)
        return found

    @staticmethod
    def _asked(question: Callable[[AnyStr], Any], text: AnyStr) -> Any:
        try:
            return question(text)
        except UnicodeEncodeError:
            return question(_text(text))


def compile(pattern: AnyStr) -> Pattern[AnyStr]:
    """A pattern of ours in RE2's syntax; :func:`given` takes others'."""
    return Pattern(pattern)


def given(pattern: AnyStr) -> Pattern[AnyStr]:
    """A pattern that somebody else has written, in RE2's syntax.

    Raises:
        BadPattern.
    """
    checked = Pattern(pattern)
    _ = checked._compiled
    return checked


def group(match: Match[str], name: int | str) -> str:
    """The text of a group; empty for one that took no part, and for one that there is none of."""
    import re2

    try:
        return match[name] or ""
    except (IndexError, KeyError, re2.error):
        return ""


def escape(text: str) -> str:
    """A pattern that takes exactly this text."""
    import re2

    quoted: str = re2.escape(_text(text))
    return quoted


def _text(text: AnyStr) -> AnyStr:
    if isinstance(text, bytes) or text.isascii():
        return text
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        pass
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
