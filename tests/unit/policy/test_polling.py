"""How often a host is asked: never more than its budget, never later than the bound, soon where people work."""

import random
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.policy.polling import BUDGET, MOST_EASED, QUICK, RECOVERY, HostBudget, pause

SECONDS = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("quiet_for", "took", "eased", "seconds"),
    [
        (0, 0, 1, QUICK),
        (300, 0, 1, 5),
        (600, 0, 1, 10),
        (3600, 0, 1, 60),
        (0, 1, 1, 20),
        (0, 0, 4, 4 * QUICK),
    ],
    ids=["just now", "five minutes", "ten minutes", "an hour", "a slow host", "a host that complains"],
)
def test_a_pause(quiet_for: float, took: float, eased: float, seconds: float) -> None:
    assert pause(quiet_for, took, eased) == seconds


@given(SECONDS, SECONDS, st.floats(1, MOST_EASED))
def test_nobody_is_asked_more_often_than_while_people_work(quiet_for: float, took: float, eased: float) -> None:
    assert pause(quiet_for, took, eased) >= QUICK
    assert pause(quiet_for + 1, took, eased) >= pause(quiet_for, took, eased)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 400)), max_size=120), st.floats(0.1, 400))
def test_a_budget_is_kept_and_so_is_the_bound(wishes: list[tuple[float, float]], bound: float) -> None:
    budget, now = HostBudget(), 1000.0
    given_: list[int] = []
    for later, wanted in wishes:
        now += later
        seconds = budget.slot(now, wanted, bound)
        assert seconds <= bound
        assert seconds >= min(wanted, bound)
        if seconds < bound:
            given_.append(int((now + seconds) * BUDGET + 1e-6))
    assert all(count <= 2 for count in Counter(given_).values()), "rounded, a second may have a neighbour's"
    assert len(given_) <= (max(given_) - min(given_) + 2) * BUDGET if given_ else True


def test_many_repositories_of_one_host_are_asked_in_turn_within_the_budget() -> None:
    """All of them active, for an hour: none is starved, and the host is asked once a second."""
    budget, bound = HostBudget(), 120.0
    due = dict.fromkeys(range(60), 0.0)
    asked: Counter[int] = Counter()
    now = 0.0
    while now < 3600:
        name = min(due, key=lambda each: (due[each], each))
        now = due[name]
        asked[name] += 1
        due[name] = now + budget.slot(now, pause(0, 0.0), bound)
    assert sum(asked.values()) <= 3600 * BUDGET + 2 * len(due)
    assert min(asked.values()) > 0.5 * max(asked.values())


def test_a_host_that_complains_is_asked_less_and_after_a_while_as_before() -> None:
    budget = HostBudget()
    assert budget.eased(0) == 1
    for number in range(20):
        budget.complained(float(number))
    assert budget.eased(20) == MOST_EASED
    assert budget.eased(20 + RECOVERY) == MOST_EASED / 2
    assert budget.eased(20 + 10 * RECOVERY) == 1


@pytest.mark.parametrize("gap", [7.0, 45.0, 200.0, 290.0])
def test_a_push_is_seen_within_five_seconds_at_the_median_while_people_work(gap: float) -> None:
    """Pushes in a row, each at another place of the pause."""
    chance = random.Random(1)
    budget, now, lively = HostBudget(), 0.0, 0.0
    waits: list[float] = []
    pushed = gap
    while len(waits) < 100:
        now += budget.slot(now, pause(now - lively, 0.1), 150.0)
        if now >= pushed:
            waits.append(now - pushed)
            lively, pushed = now, now + gap * (1 + chance.random())
    assert statistics.median(waits) <= 5.0
    assert max(waits) <= 15.0
