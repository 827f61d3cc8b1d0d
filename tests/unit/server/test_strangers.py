"""What strangers are refused is on record within a share, and what is left out is counted."""

from hypothesis import given
from hypothesis import strategies as st

from trueup.server.strangers import StrangersShare


def test_beyond_its_share_of_a_minute_nothing_is_told_and_the_next_minute_says_how_much() -> None:
    share = StrangersShare(2)
    assert [share.next(now) for now in (0.0, 1.0, 2.0, 59.0, 60.0, 61.0, 62.0)] == [0, 0, None, None, 2, 0, None]


@given(st.lists(st.floats(0, 300), max_size=200), st.integers(1, 5))
def test_each_refusal_is_on_record_or_counted_by_a_later_one(times: list[float], most: int) -> None:
    share = StrangersShare(most)
    told = [share.next(now) for now in sorted(times)]
    last = max((at for at, each in enumerate(told) if each is not None), default=-1)
    counted = sum(each for each in told if each is not None)
    assert counted == sum(each is None for each in told[: last + 1])
    assert sum(each is not None for each in told) <= most * len({int(now // 60) for now in times})
