"""Every test is run by ``make test`` or by ``make test-everywhere``, none by both."""

from pathlib import Path

import pytest
from tests.conftest import COLLECTED, DIVIDED
from tests.support.tiers import AGAIN, EMBEDDED_AT_STAKE, ONCE, tier_of

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


def test_the_tiers_are_all_that_was_collected_and_do_not_overlap(pytestconfig: pytest.Config) -> None:
    divided, collected = pytestconfig.stash[DIVIDED], pytestconfig.stash[COLLECTED]
    assert sorted([*divided[ONCE], *divided[AGAIN]]) == sorted(collected)
    assert len(set(collected)) == len(collected)


def test_modules_of_the_embedded_cluster_are_there() -> None:
    assert not [module for module in EMBEDDED_AT_STAKE if not (ROOT / module).is_file()]


def test_what_has_to_hold_before_a_change_lands_runs_both() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make")] == ["make check", "make test", "make test-everywhere"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(makefile.count(f"--tier {tier}") == 1 for tier in (ONCE, AGAIN))
