"""The tour on a real API server: code, image, manifest, cluster, drift, a bad release, its rollback, the story."""

import asyncio
import sys

import pytest
from tests.support.patience import stretched
from tests.support.tiers import everywhere

pytestmark = everywhere


@pytest.mark.timeout(400)
async def test_the_tour_walks_the_whole_circle(controlplane_folders: list[object]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trueup", "demo", "--tour", "--cluster", "kubernetes"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), stretched(350))
    except BaseException:
        process.terminate()
        await process.wait()
        raise
    text = output.decode()
    assert process.returncode == 0, text
    assert text.count("✓") == 13, text
    for said in ("1.0.1 runs after", "1.0.2 after", "kubectl-edit set spec.replicas", "Degraded", "was taken back"):
        assert said in text, text
