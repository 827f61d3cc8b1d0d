"""Fixtures of the tests against a real API server."""

from collections.abc import AsyncIterator

import pytest_asyncio
from tests.cluster.applying import KINDS, Target

from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery


@pytest_asyncio.fixture(scope="session")
async def client(admin: Client) -> Client:
    """The administrator's client of the shared cluster."""
    return admin


@pytest_asyncio.fixture(scope="session")
async def discovery(admin: Client) -> Discovery:
    """What the shared cluster serves."""
    found = Discovery(admin)
    await found.refresh()
    return found


@pytest_asyncio.fixture(scope="session")
async def target(client: Client, discovery: Discovery) -> AsyncIterator[Target]:
    """The shared cluster as ``apply`` sees it."""
    cache = WatchCache(client, discovery, classify=lambda _: None)
    await cache.start()
    await cache.ensure(KINDS)
    yield Target(client, discovery, cache)
    await cache.close()
