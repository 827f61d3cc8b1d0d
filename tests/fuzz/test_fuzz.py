"""Seeds, and what is made of them: a few inputs of each target, and a minute of all together. A finding becomes a seed.

Every run meets the same inputs, in the same order: no change fails for what another one would have met.
``make fuzz`` is the search that learns from what an input reaches, for as long as you like.
"""

import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fuzz.targets import TARGETS
from tests.support.tiers import everywhere

SEEDS = Path(__file__).parent / "seeds"
SECONDS = 60 / len(TARGETS)
"""Processor seconds of one target, and half a minute at most where others have the processor."""
FEW = 200
"""Inputs of a target where there is no minute for them."""
LONGEST = 10.0
"""Processor seconds of one input; a hundred times what the slowest takes."""
MARKS = [*(bytes([each]) for each in b'\0\n/-[{]}!:@\t"'), b"..", b"*a", b"&a", b"%2e", b"\xff"]


def seeds(target: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted((SEEDS / target).iterdir())]


def mutated(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Inputs near the seeds, without end: cut, doubled, spliced, with bytes that mean something put in."""
    while True:
        data = bytearray(chance.choice(known))
        for _ in range(chance.randint(1, 6)):
            at = chance.randint(0, len(data))
            match chance.randint(0, 4):
                case 0:
                    del data[at : at + chance.randint(1, 8)]
                case 1:
                    data[at:at] = chance.choice(MARKS) * chance.choice((1, 1, 2, 40))
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
def test_what_once_did_harm_does_none(target: str) -> None:
    for data in seeds(target):
        tried(target, data)
    for data in itertools.islice(mutated(seeds(target), random.Random(target)), FEW):
        tried(target, data)


@everywhere
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_may_come_in_does_harm(target: str) -> None:
    ends, latest = time.process_time() + SECONDS, time.monotonic() + 30
    for data in mutated(seeds(target), random.Random(target)):
        tried(target, data)
        if time.process_time() > ends or time.monotonic() > latest:
            break


def tried(target: str, data: bytes) -> None:
    started = time.process_time()
    try:
        TARGETS[target](data)
    except Exception as error:
        raise AssertionError(f"{target}: keep this as a seed: {data!r}") from error
    assert time.process_time() - started < LONGEST, f"{target}: slow: {data!r}"
