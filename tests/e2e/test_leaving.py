"""An engine that ends leaves no task, no thread and nothing open."""

import asyncio
import sys
from pathlib import Path

from tests.e2e.conftest import Migrate
from tests.e2e.manifests import config
from tests.support.patience import stretched

ROOT = Path(__file__).parents[2]
SIGNS = (
    "ResourceWarning",
    "was never awaited",
    "was destroyed but it is pending",
    "never retrieved",
    "Exception ignored",
)


async def test_an_engine_that_is_closed_leaves_nothing(migrate: Migrate, tmp_path: Path) -> None:
    estate = await migrate("embedded", [])
    await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app")
    await estate.settled()
    await estate.engine.stop()
    (tmp_path / "leaving").mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-m", "tests.support.leaving"),
        *(str(estate.engine.kubeconfig), estate.engine.namespace),
        *(str(tmp_path / "leaving"), str(estate.engine.repositories)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await estate.settled(await estate.commit({"app/a.yaml": config("a", "blue")}), patience=120)
        said, warned = await asyncio.wait_for(process.communicate(b""), stretched(60))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, warned.decode()
    assert [line for line in said.decode().splitlines() if line.startswith("left:")] == []
    assert [line for line in warned.decode().splitlines() if any(sign in line for sign in SIGNS)] == []
