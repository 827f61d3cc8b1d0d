import pytest_asyncio
from tests.unit.pocketkube.cluster.api.served import Served


@pytest_asyncio.fixture
async def served() -> Served:
    return await Served.start()
