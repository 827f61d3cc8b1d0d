"""The dialect of github.com/gobwas/glob, in which projects, settings and directory filters are written.

``*`` any text without a separator, ``**`` any text, ``?`` one character that is no separator, ``[abc]`` and ``[!abc]``,
``[a-z]`` and ``[!a-z]`` (one range and nothing else), ``{a,b}`` alternatives, which nest, and ``\\`` before a character
that means itself. Without separators ``*`` crosses everything.
"""

from functools import lru_cache
from typing import Final

from kubegrammar.glob.automaton import (
    Automaton,
    Branch,
    CharacterTest,
    Program,
    add_any_number,
    add_text,
    any_character,
)

_SPECIAL: Final = frozenset("*?[]{}\\,")
_COMPILED: Final = 1024
"""Patterns kept ready; enough for the projects of a large installation."""

_LONGEST: Final = 2000


class _BadPattern(ValueError):
    pass


def glob_match(pattern: str, text: str, separators: str = "") -> bool:
    """Whether the pattern matches the whole text; a malformed pattern matches nothing.

    Args:
        separators: the characters that ``*`` and ``?`` stop at.
    """
    if _SPECIAL.isdisjoint(pattern):
        return pattern == text
    automaton = _compiled(pattern, separators)
    return automaton is not None and automaton.matches(text)


def file_match(pattern: str, path: str) -> bool:
    """A directory source's ``include`` and ``exclude``, on a path relative to the source's folder.

    Argo CD gives no separators here: ``*.yaml`` matches files in every folder below.
    """
    return glob_match(pattern, path)


def glob_problem(pattern: str) -> str:
    """What is wrong with a pattern; empty when nothing is."""
    try:
        _program(pattern, "")
    except _BadPattern as error:
        return str(error)
    return ""


@lru_cache(maxsize=_COMPILED)
def _compiled(pattern: str, separators: str) -> Automaton | None:
    try:
        return Automaton(_program(pattern, separators))
    except _BadPattern:
        return None


def _program(pattern: str, separators: str) -> Program:
    if len(pattern) > _LONGEST:
        raise _BadPattern(f"longer than {_LONGEST} characters")

    def inside(character: str) -> bool:
        return character not in separators

    program: Program = []
    # For each open brace: the branch to its alternatives, and the branches that leave the finished ones.
    open_braces: list[tuple[Branch, list[Branch]]] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            crosses = pattern.startswith("*", at)
            add_any_number(program, any_character if crosses else inside)
            at += crosses
        elif character == "?":
            program.append(inside)
        elif character == "[":
            test, at = _range(pattern, at)
            program.append(test)
        elif character == "{":
            first = Branch(len(program) + 1)
            program.append(first)
            open_braces.append((first, []))
        elif character == "," and open_braces:
            first, leaving = open_braces[-1]
            leaving.append(Branch())
            program.append(leaving[-1])
            first.targets.append(len(program))
        elif character == "}" and open_braces:
            _close(program, open_braces.pop()[1])
        elif character == "\\":
            # A backslash at the end stands before nothing, and is nothing.
            add_text(program, pattern[at : at + 1])
            at += 1
        else:
            add_text(program, character)
    while open_braces:
        _close(program, open_braces.pop()[1])
    return program


def _close(program: Program, leaving: list[Branch]) -> None:
    for branch in leaving:
        branch.targets.append(len(program))


def _range(pattern: str, at: int) -> tuple[CharacterTest, int]:
    """The test for what stands between brackets, and the place behind them; `at` is behind the opening one."""
    negated = pattern.startswith("!", at)
    at += negated
    if pattern.startswith("-", at + 1):
        low, high, end = pattern[at : at + 1], pattern[at + 2 : at + 3], at + 3
        if not pattern.startswith("]", end):
            raise _BadPattern("a range has two ends and stands alone between its brackets")
        if high < low:
            raise _BadPattern("a range ends before it begins")
        return lambda character: (low <= character <= high) is not negated, end + 1
    listed = ""
    while not pattern.startswith("]", at):
        at += pattern.startswith("\\", at)
        if at >= len(pattern):
            raise _BadPattern("a bracket is not closed")
        listed += pattern[at]
        at += 1
    if not listed:
        raise _BadPattern("nothing stands between brackets")
    characters = frozenset(listed)
    return lambda character: (character in characters) is not negated, at + 1
