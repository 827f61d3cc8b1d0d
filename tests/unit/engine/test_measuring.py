"""What git is counted under: repositories that are somebody's by their names, all that strangers ask about together."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.engine import measuring
from trueup.engine.measuring import GIT, OTHERS, measured_git
from trueup.model.errors import SourceUnavailable
from trueup.runtime.metrics import Metrics

OURS = "https://git.example.com/Org/Shop"


class Bench:
    """Git that answers nothing, or fails; what is known is a set of names that may change."""

    def __init__(self, *known: str) -> None:
        self.metrics, self.known, self.fails = Metrics(), set(known), False
        self.git = measured_git(self._run, self.metrics, lambda: self.known)

    async def _run(self, args: Sequence[str], **_: Any) -> bytes:
        if self.fails:
            raise SourceUnavailable("away")
        return b""

    async def ask(self, address: str, kind: str = "ls-remote") -> None:
        await self.git([kind, "--", address])

    def counted(self) -> dict[str, int]:
        start = f'{GIT.name}{{repo="'
        lines = [line for line in self.metrics.text().decode().splitlines() if line.startswith(start)]
        return {line.removeprefix(start).partition('"')[0]: int(line.rsplit(" ", 1)[1]) for line in lines}


async def test_what_is_nobody_s_is_counted_together() -> None:
    bench = Bench("https://git.example.com/org/shop")
    for number in range(500):
        await bench.ask(f"https://git.example.com/invented/{number}")
    await bench.ask(OURS)
    await bench.ask(f"{OURS}.git")
    size = len(bench.metrics.text())
    assert bench.counted() == {OTHERS: 500, OURS: 1, f"{OURS}.git": 1}
    for number in range(500):
        await bench.ask(f"https://git.example.com/another/{number}")
    assert len(bench.metrics.text()) <= size + 20, "only figures have grown"


async def test_failures_are_counted_alike() -> None:
    bench = Bench()
    bench.fails = True
    for number in range(50):
        with pytest.raises(SourceUnavailable):
            await bench.ask(f"https://h/{number}", "fetch")
    assert bench.counted() == {OTHERS: 50}
    assert b"https://h/" not in bench.metrics.text()


async def test_what_is_gone_makes_room_for_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_REPOSITORIES", 3)
    bench = Bench("https://h/a", "https://h/b", "https://h/c")
    for name in "abc":
        await bench.ask(f"https://h/{name}")
    bench.known = {"https://h/c", "https://h/d"}
    await bench.ask("https://h/d")
    assert bench.counted().keys() == {"https://h/c", "https://h/d"}
    bench.known |= {"https://h/e", "https://h/f"}
    for name in "eef":
        await bench.ask(f"https://h/{name}")
    assert bench.counted() == {"https://h/c": 1, "https://h/d": 1, "https://h/e": 2, OTHERS: 1}


@given(st.text(max_size=30))
async def test_an_address_is_anything(address: str) -> None:
    bench = Bench(OURS.lower())
    await bench.ask(address)
    assert bench.counted() == {OTHERS: 1}
