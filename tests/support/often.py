"""Examples of which most are of one kind: a law that says nothing of most of its examples is hardly tried."""

from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


def often(likely: st.SearchStrategy[T], others: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Nine times in ten an example of the first; ``one_of`` would take each half of the time."""
    return st.integers(1, 10).flatmap(lambda dice: others if dice == 10 else likely)
