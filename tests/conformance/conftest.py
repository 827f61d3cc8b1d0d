"""Both servers side by side: the real one, and the embedded one that must answer as it does."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest_asyncio
from tests.conftest import simulated

from trueup.sandbox.cluster.embedded import EmbeddedCluster
from trueup.sandbox.controlplane import ControlPlane


class Pair(msgspec.Struct, frozen=True):
    """A real control plane and an embedded cluster, on both of which Pods come up."""

    real: ControlPlane
    embedded: EmbeddedCluster


@pytest_asyncio.fixture(scope="session")
async def pair(controlplane_folders: list[Path]) -> AsyncIterator[Pair]:
    """The two servers of a run; every test has a namespace of its own on them."""
    async with ControlPlane(controlplane_folders) as real, EmbeddedCluster() as embedded:
        async with simulated(real), simulated(embedded):
            yield Pair(real, embedded)
