"""The dialect of github.com/bmatcuk/doublestar, in which Helm value files and Git files are named; ``/`` separates.

``*`` any text inside a folder, ``**/`` any number of folders, ``**`` at the end everything below and the folder itself,
``?`` one character that is no slash, ``[abc]``, ``[a-z]``, ``[!a]`` or ``[^a]``, ``{a,b}``, and ``\\`` before a
character that means itself.
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
from kubegrammar.glob.steps import Steps

_COMPILED: Final = 256
_MOST_ALTERNATIVES: Final = 1000
_LONGEST: Final = 1000
_MOST_STEPS: Final = 20_000


class _BadPattern(ValueError):
    pass


def doublestar_match(pattern: str, path: str, steps: Steps | None = None) -> bool:
    """Whether the pattern matches the whole path; a malformed pattern matches nothing.

    Args:
        steps: what it may cost, beside preparing the pattern.

    Raises:
        OutOfSteps.
    """
    automaton = _compiled(pattern)
    return automaton is not None and automaton.matches(path, steps)


def doublestar_size(pattern: str) -> int:
    """Steps that preparing a pattern costs at most: its characters, written out for each choice among its braces."""
    braces = min(pattern.count("{"), 16)
    choices: int = (1 + pattern.count(",")) ** braces
    return len(pattern) * min(choices, _MOST_ALTERNATIVES)


def doublestar_problem(pattern: str) -> str:
    """What is wrong with a pattern; empty when nothing is. More than a thousand alternatives are too many."""
    try:
        _program(pattern)
    except _BadPattern as error:
        return str(error)
    return ""


@lru_cache(maxsize=_COMPILED)
def _compiled(pattern: str) -> Automaton | None:
    try:
        return Automaton(_program(pattern))
    except _BadPattern:
        return None


def _program(pattern: str) -> Program:
    if len(pattern) > _LONGEST:
        raise _BadPattern(f"longer than {_LONGEST} characters")
    first = Branch()
    program: Program = [first]
    leaving = []
    for alternative in _alternatives(pattern):
        first.targets.append(len(program))
        _add(program, alternative)
        leaving.append(Branch())
        program.append(leaving[-1])
        if len(program) > _MOST_STEPS:
            raise _BadPattern("too many alternatives")
    for branch in leaving:
        branch.targets.append(len(program))
    return program


def _alternatives(pattern: str) -> list[str]:
    """The pattern without braces, once for each choice among them."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        candidate = waiting.pop()
        begin = _find_brace(candidate)
        if begin is None:
            done.append(candidate)
        else:
            choices, end = _choices(candidate, begin + 1)
            waiting += [candidate[:begin] + choice + candidate[end:] for choice in choices]
        if len(done) + len(waiting) > _MOST_ALTERNATIVES:
            raise _BadPattern("too many alternatives")
    return done


def _find_brace(pattern: str) -> int | None:
    """Where the first opening brace stands; those after a backslash or between brackets are characters."""
    at = 0
    while at < len(pattern):
        if pattern[at] == "{":
            return at
        if pattern[at] == "}":
            raise _BadPattern("a closing brace without an opening one")
        if pattern[at] == "[":
            at = _range(pattern, at + 1)[1]
        else:
            at += 2 if pattern[at] == "\\" else 1
    return None


def _choices(pattern: str, at: int) -> tuple[list[str], int]:
    """What stands between a brace and its partner, split at the commas, and the place behind the partner."""
    choices: list[str] = []
    begin, depth = at, 1
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 1
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                return [*choices, pattern[begin:at]], at + 1
        elif character == "," and depth == 1:
            choices.append(pattern[begin:at])
            begin = at + 1
        at += 1
    raise _BadPattern("a brace is not closed")


def _add(program: Program, pattern: str) -> None:
    at, segment_begins = 0, True
    while at < len(pattern):
        rest = pattern[at:]
        if rest in ("/**", "/**/"):
            _add_optional(program, rest)
            return
        if segment_begins and rest == "**":
            add_any_number(program, any_character)
            return
        if segment_begins and rest.startswith("**/"):
            _add_folders(program)
            at += 3
            continue
        segment_begins = False
        if rest[0] == "*":
            add_any_number(program, _no_slash)
            at += 2 if rest.startswith("**") else 1
        elif rest[0] == "?":
            program.append(_no_slash)
            at += 1
        elif rest[0] == "[":
            test, at = _range(pattern, at + 1)
            program.append(test)
        else:
            at += rest[0] == "\\"
            if at >= len(pattern):
                raise _BadPattern("a backslash at the end")
            add_text(program, pattern[at])
            segment_begins = pattern[at] == "/"
            at += 1


def _add_folders(program: Program) -> None:
    """Nothing, or any text that ends in a slash."""
    choice = Branch(len(program) + 1)
    program.append(choice)
    add_any_number(program, any_character)
    add_text(program, "/")
    choice.targets.append(len(program))


def _add_optional(program: Program, rest: str) -> None:
    """What ``/**`` and ``/**/`` at the end add to a folder: nothing, or a slash and what is below."""
    choice = Branch(len(program) + 1)
    program.append(choice)
    add_text(program, "/")
    if rest == "/**":
        add_any_number(program, any_character)
    else:
        _add_folders(program)
    choice.targets.append(len(program))


def _no_slash(character: str) -> bool:
    return character != "/"


def _range(pattern: str, at: int) -> tuple[CharacterTest, int]:
    """The test for what stands between brackets, and the place behind them; `at` is behind the opening one."""
    negated = pattern.startswith(("!", "^"), at)
    at += negated
    spans: list[tuple[str, str]] = []
    while not pattern.startswith("]", at):
        low, at = _character(pattern, at)
        high = low
        if pattern.startswith("-", at) and not pattern.startswith("]", at + 1):
            high, at = _character(pattern, at + 1)
        spans.append((low, high))
    if not spans:
        raise _BadPattern("nothing stands between brackets")
    return lambda character: any(low <= character <= high for low, high in spans) is not negated, at + 1


def _character(pattern: str, at: int) -> tuple[str, int]:
    at += pattern.startswith("\\", at)
    if at >= len(pattern):
        raise _BadPattern("a bracket is not closed")
    return pattern[at], at + 1
