"""Each fuzzer for a moment: its seeds, and what a fixed generator makes of them. A finding becomes a seed.

The same every time, so that a failure is one everywhere; ``make fuzz`` is the search, for as long as you like.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fuzz.targets import TARGETS

SEEDS = Path(__file__).parent / "seeds"
ROUNDS = 1000
"""Inputs of one target: a few seconds."""
LONGEST = 10.0
"""Processor seconds of one input; a hundred times what the slowest takes."""


def seeds(target: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted((SEEDS / target).iterdir())]


def mutated(known: list[bytes], rounds: int) -> Iterator[bytes]:
    """Inputs near the seeds: cut, doubled, spliced, with bytes that mean something put in."""
    chance = random.Random(7)
    marks = [
        b"\0",
        b"\n",
        b"..",
        b"/",
        b"-",
        b"[",
        b"{",
        b"]",
        b"}",
        b"*a",
        b"&a",
        b"!",
        b"%2e",
        b":",
        b"@",
        b"\xff",
        b"\t",
        b'"',
    ]
    for _ in range(rounds):
        data = bytearray(chance.choice(known))
        for _ in range(chance.randint(1, 6)):
            at = chance.randint(0, len(data))
            match chance.randint(0, 4):
                case 0:
                    del data[at : at + chance.randint(1, 8)]
                case 1:
                    data[at:at] = chance.choice(marks) * chance.choice((1, 1, 2, 40))
                case 2:
                    data[at:at] = data[: chance.randint(0, 64)]
                case 3:
                    other = chance.choice(known)
                    start = chance.randint(0, len(other))
                    data[at:] = other[start:]
                case _:
                    data[at : at + 1] = bytes([chance.randint(0, 255)])
        yield bytes(data[:8192])


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_may_come_in_does_harm(target: str) -> None:
    known = seeds(target)
    for data in [*known, *mutated(known, ROUNDS)]:
        started = time.process_time()
        try:
            TARGETS[target](data)
        except Exception as error:
            raise AssertionError(f"{target}: keep this as a seed: {data!r}") from error
        assert time.process_time() - started < LONGEST, f"{target}: slow: {data!r}"
