"""Both servers side by side: the real one, and the embedded one that must answer as it does."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.conformance.exchange import Both
from tests.conftest import simulated

from pocketkube.cluster.embedded import EmbeddedCluster
from pocketkube.controlplane import ControlPlane


class Pair(msgspec.Struct, frozen=True):
    """A real control plane and an embedded cluster, on both of which Pods come up."""

    real: ControlPlane
    embedded: EmbeddedCluster


@pytest_asyncio.fixture(scope="session")
async def pair(controlplane_folders: list[Path]) -> AsyncIterator[Pair]:
    """The two servers of a run; every test has a namespace of its own on them."""
    async with AsyncExitStack() as stack:
        real = await stack.enter_async_context(ControlPlane(controlplane_folders))
        embedded = await stack.enter_async_context(EmbeddedCluster(workloads=True))
        await stack.enter_async_context(simulated(real))
        yield Pair(real, embedded)


@pytest_asyncio.fixture(scope="session")
async def both(pair: Pair) -> AsyncIterator[Both]:
    """Requests to the two servers at once."""
    async with Both.open(pair.real, pair.embedded) as made:
        yield made


@pytest_asyncio.fixture
async def namespace(both: Both, numbers: "itertools.count[int]") -> str:
    """A namespace of a case's own, on both. It goes with the clusters: hundreds of deletions would keep the namespace
    controller from those that cases wait for."""
    name = f"case-{next(numbers)}"
    await both.make_namespace(name)
    return name


@pytest.fixture(scope="session")
def numbers() -> "itertools.count[int]":
    return itertools.count(1)
