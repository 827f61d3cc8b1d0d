"""Every test is run by ``make test`` or by ``make test-everywhere``; laws alone by both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import COLLECTED, DIVIDED
from tests.support.tiers import AGAIN, EMBEDDED_AT_STAKE, LAWS, ONCE, divide, some, tier_of, try_some

ROOT = Path(__file__).parents[3]
BOTH = [
    f"tests/{module}.py::test_a[{how}]"
    for module in ("e2e/test_sync", "e2e/test_images")
    for how in ("kubernetes", "embedded", "kubernetes-a case", "embedded-a case", "x-kubernetes", "x-embedded")
]
ROWS = {
    "a test of both clusters, on the one at stake": ("tests/e2e/test_sync.py::test_a[kubernetes]", False, ONCE),
    "and on the other": ("tests/e2e/test_sync.py::test_a[embedded]", False, AGAIN),
    "a test of both where the embedded one is at stake": ("tests/e2e/test_images.py::test_a[embedded]", False, ONCE),
    "and on the real one": ("tests/e2e/test_images.py::test_a[kubernetes]", False, AGAIN),
    "a case, on the one at stake": ("tests/e2e/test_sync.py::test_a[kubernetes-a case]", False, ONCE),
    "and its other": ("tests/e2e/test_sync.py::test_a[embedded-a case]", False, AGAIN),
    "a case that comes first": ("tests/e2e/test_sync.py::test_a[x-embedded]", False, AGAIN),
    "a test of the embedded cluster alone": ("tests/e2e/test_sync.py::test_b[embedded]", False, ONCE),
    "a test of the real one alone": ("tests/e2e/test_images.py::test_b[kubernetes]", False, ONCE),
    "a test of no cluster": ("tests/unit/test_a.py::test_a", False, ONCE),
    "a test of a spare cluster": ("tests/e2e/test_faults.py::test_a[spare]", False, ONCE),
    "a word in its id": ("tests/unit/test_a.py::test_a[the embedded one]", False, ONCE),
    "a marked test": ("tests/unit/test_a.py::test_a", True, AGAIN),
    "a marked test on the one at stake": ("tests/e2e/test_sync.py::test_a[kubernetes]", True, AGAIN),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_test_is_of_the_tier(row: str) -> None:
    test, marked, tier = ROWS[row]
    assert tier_of(test, {test, *BOTH}, marked) == tier


def test_the_tiers_are_all_that_was_collected_and_no_more_than_laws_are_in_both(pytestconfig: pytest.Config) -> None:
    divided, collected = pytestconfig.stash[DIVIDED], pytestconfig.stash[COLLECTED]
    once, again = set(divided[ONCE]), set(divided[AGAIN])
    assert once | again == set(collected)
    assert [test for test in once & again if not test.startswith(LAWS)] == []
    assert len(set(collected)) == len(collected)


class Item:
    """As much of a collected test as tells its tier."""

    def __init__(self, nodeid: str, obj: Callable[[], None]) -> None:
        self.nodeid, self.obj = nodeid, obj

    def get_closest_marker(self, name: str) -> None:
        return None


def law_of(tried: list[int], wrong: int) -> Callable[[], None]:
    @settings(max_examples=90, derandomize=True, database=None)
    @given(st.integers(0, 500))
    def law(number: int) -> None:
        tried.append(number)
        assert number < wrong

    return law


def test_a_law_is_tried_on_some_of_its_examples_and_then_on_all() -> None:
    tried: list[int] = []
    item: Any = Item("tests/laws/test_a_laws.py::test_law", law_of(tried, 501))
    assert divide([item]) == {ONCE: [item], AGAIN: [item]}
    item.obj()
    assert len(tried) == 90
    tried.clear()
    try_some([item, item])
    item.obj()
    assert len(tried) == 30


def test_a_law_that_does_not_hold_fails_on_some_of_its_examples_too() -> None:
    item: Any = Item("tests/laws/test_a_laws.py::test_law", law_of([], 250))
    try_some([item])
    with pytest.raises(AssertionError):
        item.obj()


@pytest.mark.parametrize(
    "item",
    [Item("tests/laws/test_a_laws.py::test_a", lambda: None), Item("tests/unit/test_a.py::test_a", law_of([], 501))],
    ids=["without examples", "of one unit"],
)
def test_what_is_no_law_is_tried_once(item: Any) -> None:
    assert divide([item]) == {ONCE: [item], AGAIN: []}


@pytest.mark.parametrize(("examples", "tried"), [(5, 5), (10, 10), (20, 10), (60, 20), (400, 133)])
def test_of_few_examples_all_are_tried(examples: int, tried: int) -> None:
    assert some(examples) == tried


def test_modules_of_the_embedded_cluster_are_there() -> None:
    assert not [module for module in EMBEDDED_AT_STAKE if not (ROOT / module).is_file()]


def test_what_has_to_hold_before_a_change_lands_runs_both() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make")] == ["make check", "make test", "make test-everywhere"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(makefile.count(f"--tier {tier}") == 1 for tier in (ONCE, AGAIN))
