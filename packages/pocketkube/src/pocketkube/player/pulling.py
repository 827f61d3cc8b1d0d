"""What becomes of a Pod follows from its images, where those lie in a registry of this machine that may be asked."""

import asyncio
import base64
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pocketkube.player.objects import Kind, SeenObject
from pocketkube.player.registry import ImageRegistries, RegistryFailed, UnknownImage
from pocketkube.wishes import SIMULATE, wishes

POD: Final = Kind("", "Pod")
SECRET: Final = Kind("", "Secret")
RETRY_SECONDS: Final = 2.0
_MISSING: Final = "image-not-found"
_TYPE: Final = "kubernetes.io/dockerconfigjson"
_HERE: Final = ("127.0.0.1:", "localhost:")

log = logging.getLogger(__name__)


class _Auth(msgspec.Struct):
    username: str = ""
    password: str = ""


class _Config(msgspec.Struct):
    auths: dict[str, _Auth] = {}


class _Secret(msgspec.Struct):
    type: str = ""
    data: dict[str, str] = {}


class Pulling:
    """Asks registries for the images that Pods name: those of this machine for which there is a pull secret.

    A node's runtime has credentials of its own; these stand for them. All other images are taken to be there.

    Args:
        registry: asks.
        known: called when an image has been asked for.
    """

    def __init__(self, registry: ImageRegistries, known: Callable[[], None]) -> None:
        self._registry, self._known = registry, known
        self._credentials: dict[str, Mapping[str, tuple[str, str]]] = {}
        self._verdicts: dict[str, str] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    def changed(self, old: SeenObject | None, new: SeenObject | None) -> None:
        """Take a change of a Secret."""
        if old is not None:
            self._credentials.pop(old.uid, None)
        if new is not None and (found := credentials_of(new.body)):
            self._credentials[new.uid] = found

    def view(self, pod: dict[str, Any]) -> dict[str, Any] | None:
        """A Pod as it is played: what its images say is an annotation of it. None while they are asked for."""
        spec = pod.get("spec") or {}
        names = [c.get("image") for c in (*(spec.get("initContainers") or []), *(spec.get("containers") or []))]
        wanted = [name for name in names if isinstance(name, str) and self._credential(name)]
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
        annotations = {SIMULATE: verdict, **wishes(metadata.get("annotations") or {})}
        return {**pod, "metadata": {**metadata, "annotations": annotations}}

    async def close(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        await self._registry.close()

    def _credential(self, image: str) -> tuple[str, str] | None:
        host = image.partition("/")[0]
        return next((found[host] for found in self._credentials.values() if host in found), None)

    async def _ask(self, name: str) -> None:
        try:
            while credential := self._credential(name):
                try:
                    labels = await self._registry.labels(name, *credential)
                    self._verdicts[name] = wishes(labels).get(SIMULATE, "")
                    break
                except UnknownImage:
                    self._verdicts[name] = _MISSING
                    break
                except RegistryFailed as error:
                    log.debug("%s: not asked for: %s", name, error)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._asking.pop(name, None)
        self._known()
        if self._verdicts.get(name) == _MISSING:
            # A kubelet tries again too: it may have been pushed meanwhile.
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._again, name)

    def _again(self, name: str) -> None:
        self._verdicts.pop(name, None)
        self._known()


def credentials_of(secret: bytes) -> Mapping[str, tuple[str, str]] | None:
    """User and password by registry of this machine, of a pull secret; None of any other Secret."""
    if _TYPE.encode() not in secret:
        return None
    try:
        found = msgspec.json.decode(secret, type=_Secret)
        config = msgspec.json.decode(base64.b64decode(found.data.get(".dockerconfigjson", "")), type=_Config)
    except ValueError:
        return None
    return {
        host: (auth.username, auth.password)
        for host, auth in config.auths.items()
        if found.type == _TYPE and host.startswith(_HERE)
    }
