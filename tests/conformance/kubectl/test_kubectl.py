"""Stock kubectl says the same of both servers."""

import asyncio
from pathlib import Path

import pytest
from tests.conformance.conftest import Pair
from tests.conformance.kubectl.session import Session, script_names
from tests.support.tiers import everywhere

pytestmark = everywhere


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", script_names())
async def test_the_session_is_the_same_on_both(pair: Pair, name: str, tmp_path: Path) -> None:
    real, embedded = tmp_path / "real", tmp_path / "embedded"
    real.mkdir()
    embedded.mkdir()
    expected, found = await asyncio.gather(
        Session(name, pair.real.kubeconfig, real).play(), Session(name, pair.embedded.kubeconfig, embedded).play()
    )
    assert found == expected
