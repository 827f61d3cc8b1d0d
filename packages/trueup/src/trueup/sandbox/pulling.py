"""What becomes of a Pod follows from its images, where those lie in a registry that the simulator may ask."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from kubegrammar.image import Image, parse_image
from trueup.model.errors import TrueupError
from trueup.model.resource import GroupKind
from trueup.sources.registry import Access, RegistryClient
from trueup.sources.registry.transport import NoSuchImage

log = structlog.get_logger(__name__)

SIMULATE = "trueup.dev/simulate"
"""Annotation of a Pod, or label of an image: what is played."""
POD = GroupKind("", "Pod")
RETRY_SECONDS = 2.0
_MISSING = "image-not-found"


class Pulling:
    """Asks a registry for the images that Pods name.

    Args:
        host: the registry; other images are taken to be there.
        known: called when an image has been asked for.
    """

    def __init__(self, host: str, access: Access, client: RegistryClient, known: Callable[[], None]) -> None:
        self._host, self._access, self._client, self._known = host, access, client, known
        self._verdicts: dict[str, str] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    def view(self, pod: dict[str, Any]) -> dict[str, Any] | None:
        """A Pod as it is played: what its images say is an annotation of it. None while they are asked for."""
        spec = pod.get("spec") or {}
        names = [c.get("image") for c in (*(spec.get("initContainers") or []), *(spec.get("containers") or []))]
        wanted = [name for name in names if isinstance(name, str) and name.startswith(f"{self._host}/")]
        missing = [name for name in wanted if name not in self._verdicts]
        for name in missing:
            if name not in self._asking:
                self._asking[name] = asyncio.create_task(self._ask(name), name=f"pull {name}")
        if missing:
            return None
        verdict = next((self._verdicts[name] for name in wanted if self._verdicts[name]), "")
        if not verdict:
            return pod
        metadata = pod["metadata"]
        annotations = {SIMULATE: verdict, **(metadata.get("annotations") or {})}
        return {**pod, "metadata": {**metadata, "annotations": annotations}}

    async def close(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, name: str) -> None:
        try:
            while True:
                try:
                    self._verdicts[name] = await self._verdict(parse_image(name))
                    break
                except NoSuchImage:
                    self._verdicts[name] = _MISSING
                    break
                except (TrueupError, ValueError) as error:
                    log.debug("image not asked for", image=name, error=str(error))
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._asking.pop(name, None)
        self._known()
        if self._verdicts[name] == _MISSING:
            # A kubelet tries again too: it may have been pushed meanwhile.
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._again, name)

    def _again(self, name: str) -> None:
        self._verdicts.pop(name, None)
        self._known()

    async def _verdict(self, image: Image) -> str:
        reference = image.digest or image.tag or "latest"
        facts = await self._client.describe(self._host, image.repository, reference, self._access)
        return facts.labels.get(SIMULATE, "")
