"""Remembered failures: when the same is tried again."""

import random

from trueup.memory.failures import Failures, Patience
from trueup.model.errors import RenderFailed, RenderStopped


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_failure_stands_for_ever_longer_up_to_the_longest() -> None:
    clock = Clock()
    failures = Failures(clock, random.random)
    waits = []
    for _ in range(8):
        seconds = failures.failed("key", RenderStopped("too long", hint="split it"), Patience(10.0, 300.0))
        waits.append(seconds)
        clock.now += seconds * 0.99
        standing = failures.standing("key")
        assert type(standing) is RenderStopped and (standing.message, standing.hint) == ("too long", "split it")
        clock.now += seconds * 0.02
        assert failures.standing("key") is None
    assert 7.5 <= waits[0] <= 10.0 and 225 <= waits[-1] <= 300
    assert waits[3] > waits[1] > waits[0]


def test_what_is_forgotten_is_tried_at_once_and_begins_anew() -> None:
    failures = Failures(Clock(), random.random)
    for _ in range(5):
        failures.failed("key", RenderFailed("no"), Patience())
    failures.forget("key")
    failures.forget("unknown")
    assert failures.standing("key") is None
    assert failures.failed("key", RenderFailed("no"), Patience()) <= 10.0


def test_only_so_many_are_remembered() -> None:
    failures = Failures(Clock(), random.random, capacity=2)
    for key in "abc":
        failures.failed(key, RenderFailed(key), Patience())
    assert failures.standing("a") is None and failures.standing("c") is not None
