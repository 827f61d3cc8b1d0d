"""Secrets of one kind, followed by their label: no other Secret's values come here."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError
from trueup.model.live import LiveObject
from trueup.runtime.logger import Logger

log = Logger("trueup.credentials")

RETRY_SECONDS = 5.0


class Followed:
    """What follows the Secrets of one namespace that a selector chooses.

    Args:
        replaced: told of all of them, whenever they are listed.
        changed: told of one as it is now, and whether it is gone.
    """

    def __init__(
        self,
        client: Client,
        type_: ResourceType,
        namespace: str,
        selector: str,
        *,
        replaced: Callable[[Sequence[LiveObject]], None],
        changed: Callable[[LiveObject, bool], None],
    ) -> None:
        self._client, self._type = client, type_
        self._namespace, self._selector = namespace, selector
        self._replaced, self._changed = replaced, changed

    async def load(self) -> str:
        """List them; gives the version to watch from, empty where they may not be read."""
        try:
            listing = await self._client.list(self._type, self._namespace, label_selector=self._selector)
        except ApiError as error:
            log.info("Secrets cannot be read", labels=self._selector, error=str(error))
            return ""
        self._replaced(listing.objects)
        return listing.resource_version

    async def run(self) -> None:
        """Follow changes until cancelled."""
        while True:
            version = await self.load()
            if version:
                try:
                    await self._watch(version)
                    continue
                except ApiError as error:
                    log.debug("Secrets not followed", labels=self._selector, error=str(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _watch(self, version: str) -> None:
        events = self._client.watch(self._type, version, namespace=self._namespace, label_selector=self._selector)
        async with aclosing(events):
            async for event in events:
                if event.type != "BOOKMARK":
                    self._changed(event.object, event.type == "DELETED")
