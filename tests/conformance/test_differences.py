"""Known differences are still there, and the page says what they are."""

import asyncio

import pytest
from tests.conformance.differences import DIFFERENCES, PAGE, Difference, page
from tests.conformance.exchange import Both
from tests.support.tiers import everywhere

pytestmark = everywhere


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.title)
async def test_a_known_difference_is_one(both: Both, namespace: str, difference: Difference) -> None:
    real, embedded = await asyncio.gather(
        difference.probe(both.real, namespace), difference.probe(both.embedded, namespace)
    )
    assert real != embedded, f"no difference any more: {real}"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `python -m tests.conformance.differences`"
