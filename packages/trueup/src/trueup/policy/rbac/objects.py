"""Objects of one subject, resource and action: which patterns take a name, found without trying them all.

A pattern is kept by the text that it begins with; a name is asked for those of its beginnings alone that some pattern
has.
"""

from collections.abc import Callable

from kubegrammar import pattern
from kubegrammar.glob import glob_match
from trueup.policy.rbac.row import MatchMode

_SPECIAL = frozenset("*?[]{}\\,")


class NamePatterns:
    """Patterns of names, each of which allows or denies."""

    def __init__(self) -> None:
        self._exact: dict[str, bool] = {}
        self._begins: dict[str, bool] = {}
        self._tests: dict[str, list[tuple[Callable[[str], bool], bool]]] = {}
        self._lengths: tuple[int, ...] = ()

    def add(self, text: str, mode: MatchMode, allows: bool) -> None:
        """One more pattern; of two that are the same the one that denies counts."""
        begin, rest = ("", "/") if mode == "regex" else _beginning(text)
        if not rest:
            self._exact[begin] = allows and self._exact.get(begin, True)
            return
        if rest == "*":
            self._begins[begin] = allows and self._begins.get(begin, True)
        else:
            self._tests.setdefault(begin, []).append((test_of(text, mode), allows))
        self._lengths = tuple(sorted({*self._lengths, len(begin)}))

    def verdict(self, name: str) -> bool | None:
        """False where a pattern denies the name, True where one allows it and none denies; None where none takes it."""
        found = self._exact.get(name)
        if found is False:
            return False
        for length in self._lengths:
            if length > len(name):
                break
            begin = name[:length]
            taken = self._begins.get(begin)
            if taken is not None:
                if not taken:
                    return False
                found = True
            for test, allows in self._tests.get(begin, ()):
                if (not allows or not found) and test(name):
                    if not allows:
                        return False
                    found = True
        return found


def test_of(text: str, mode: MatchMode) -> Callable[[str], bool]:
    """Whether a pattern takes a text: a glob the whole of it, a regular expression some place in it."""
    if mode == "regex":
        found = pattern.compile(text)
        return lambda asked: found.search(asked) is not None
    if _SPECIAL.isdisjoint(text):
        return text.__eq__
    if text == "*":
        return lambda _: True
    return lambda asked: glob_match(text, asked)


def _beginning(text: str) -> tuple[str, str]:
    """What every name that a glob takes begins with, and the rest of the glob."""
    for at, character in enumerate(text):
        if character in _SPECIAL:
            return text[:at], text[at:]
    return text, ""
