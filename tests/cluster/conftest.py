"""Fixtures of the tests against a real API server."""

import pytest_asyncio

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
