"""A matcher that never goes back: it follows all readings of a pattern at once and remembers where that led.

Patterns come from tenants. A backtracking matcher takes time exponential in the number of their stars.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from kubegrammar.glob.steps import Steps

CharacterTest: TypeAlias = Callable[[str], bool]

_MOST_KEPT: Final = 20_000
"""Places in the moves that are kept: a pattern of a thousand stars is in a thousand places at once."""


class Branch:
    """Continues at each of its targets without taking a character."""

    def __init__(self, *targets: int) -> None:
        self.targets = list(targets)


Program: TypeAlias = list[CharacterTest | Branch]
"""Instructions in order: take one character that passes the test, or branch. Its end is a match."""


def add_text(program: Program, text: str) -> None:
    """Takes exactly this text."""
    program.extend(map(_is_character, text))


def add_any_number(program: Program, test: CharacterTest) -> None:
    """Takes any number of characters that pass the test."""
    start = len(program)
    program += [Branch(start + 1, start + 3), test, Branch(start)]


def any_character(_: str) -> bool:
    """Passes every character."""
    return True


def _is_character(wanted: str) -> CharacterTest:
    return wanted.__eq__


class Automaton:
    """Runs a program; keeps each move it has worked out."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._kept = 0
        self._start = self._reachable([0])

    def matches(self, text: str, steps: Steps | None = None) -> bool:
        """Whether the program takes the whole text.

        Raises:
            OutOfSteps.
        """
        state, moves = self._start, self._moves
        if steps is not None:
            steps.take(1 + len(text))
        for character in text:
            after = moves.get((state, character))
            if after is None:
                if steps is not None:
                    steps.take(len(state))
                after = self._move(state, character)
            state = after
            if not state:
                return False
        return len(self._program) in state

    def _move(self, state: frozenset[int], character: str) -> frozenset[int]:
        if self._kept >= _MOST_KEPT:
            self._moves.clear()
            self._kept = 0
        program, end = self._program, len(self._program)
        taken = []
        for at in state:
            if at < end and not isinstance(test := program[at], Branch) and test(character):
                taken.append(at + 1)
        after = self._moves[state, character] = self._reachable(taken)
        self._kept += 10 + len(after)
        return after

    def _reachable(self, starts: Iterable[int]) -> frozenset[int]:
        """The places that take a character or end, reached from `starts` without taking one."""
        seen: set[int] = set()
        places: set[int] = set()
        waiting = list(starts)
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            if at < len(self._program) and isinstance(branch := self._program[at], Branch):
                waiting += branch.targets
            else:
                places.add(at)
        return frozenset(places)
