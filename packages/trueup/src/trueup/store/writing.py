"""How a pass writes its Application: once, when it is over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.model.live import LiveObject
from trueup.model.progress import Change
from trueup.model.resource import ResourceKey
from trueup.runtime.clock import Clock
from trueup.store.applications import StoredApplication
from trueup.store.install import APPLICATION
from trueup.store.write import ApplicationWrite, Patched, Telling


class ControlCluster:
    """The API server that has the Applications, and the cache that they are read from."""

    def __init__(self, client: Client, cache: WatchCache) -> None:
        self._client, self._cache = client, cache

    async def __call__(self, key: ResourceKey, patch: bytes) -> LiveObject:
        """As the port's."""
        live = await self._client.patch(APPLICATION, key.namespace, key.name, patch, kind="merge")
        self._cache.stored(live)
        return live


class Writes:
    """Writes of Applications, one for each pass.

    Args:
        patched: where they are stored.
    """

    def __init__(self, patched: Patched, clock: Clock, telling: Telling) -> None:
        self._patched, self._clock, self._telling = patched, clock, telling

    @asynccontextmanager
    async def writing(self, stored: StoredApplication) -> AsyncIterator[ApplicationWrite]:
        """One patch, when the pass is over. What a pass that failed was about to write is not written; what it did is
        told all the same.

        Raises:
            Conflict, NotFound, StatusRefused, ApiError: as :meth:`ApplicationWrite.flush`.
        """
        write = self._of(stored)
        try:
            yield write
        except Exception:
            await write.hand_on()
            raise
        await write.flush()

    async def tell(self, stored: StoredApplication, *changes: Change) -> None:
        """Tell what is on record already."""
        write = self._of(stored)
        told = write.told(*changes)
        await self._telling.happened(stored, told)
        self._telling.recorded(stored, stored.live, told)

    def _of(self, stored: StoredApplication) -> ApplicationWrite:
        return ApplicationWrite(stored, self._patched, self._clock.now(), self._telling, self._clock.now)
