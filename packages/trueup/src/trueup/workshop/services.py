"""Git, a registry and a CI runner on one port of this machine, behind one token; and who is told of pushes."""

import asyncio
import base64
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
from aiohttp import web

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError, NotFound
from trueup.model.annotations import PUSHED
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.repository_url import parse_repository_url
from trueup.store.credentials import CONFIG_MAP, LABEL, SECRET, TEMPLATE
from trueup.store.install import APPLICATION
from trueup.store.kinds import NAMESPACE
from trueup.store.requests import Requests
from trueup.workshop.ci import Runner
from trueup.workshop.git import GitServer, Push
from trueup.workshop.registry import SandboxRegistry

log = structlog.get_logger("trueup.workshop.services")

HOST = "127.0.0.1"
USER = "sandbox"
GIT_SECRET, REGISTRY_SECRET = "sandbox-git", "sandbox-registry"
IMAGES = "argocd-image-updater-config"
INTERVAL = "2s"
MANAGER = "trueup-sandbox"
PAUSES = (0.2, 1.0, 5.0, 20.0)
"""Seconds between tries to tell of a push."""


class ServicePlace(msgspec.Struct, frozen=True):
    """Where the services are, and what they want to be shown.

    Attributes:
        host: ``127.0.0.1:PORT``; also the registry's part of an image's name.
    """

    host: str
    token: str

    def __repr__(self) -> str:
        return f"Place({self.host!r})"

    @property
    def git(self) -> str:
        """URL below which the repositories are."""
        return f"http://{self.host}/git"

    def repository(self, name: str) -> str:
        """URL of a repository."""
        return f"{self.git}/{name}.git"

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header."""
        return "Basic " + base64.b64encode(f"{USER}:{self.token}".encode()).decode()


class Services:
    """What is served. Made by :func:`serving`.

    Attributes:
        place: where.
        now: the time.
        git, registry, ci: the parts.
    """

    def __init__(self, folder: Path, place: ServicePlace, now: Callable[[], datetime]) -> None:
        self.place, self.now = place, now
        self._listeners: list[Callable[[Push], None]] = []
        self._image_listeners: list[Callable[[str, str], None]] = []
        self.git = GitServer(folder / "git", admit=self._admit, pushed=self._pushed)
        self.registry = SandboxRegistry(folder / "registry", admit=self._admit, changed=self._image_pushed)
        self.ci = Runner(
            folder / "ci",
            repository=self.git.path,
            environment=self._environment,
            secrets=(place.token, place.basic.removeprefix("Basic ")),
            now=now,
        )

    def subscribe(self, listener: Callable[[Push], None]) -> None:
        """Have each push told."""
        self._listeners.append(listener)

    def subscribe_images(self, listener: Callable[[str, str], None]) -> None:
        """Have each pushed image told, by repository and tag."""
        self._image_listeners.append(listener)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = request.raw_path
        if path.startswith("/git/"):
            return await self.git.handle(request)
        if path == "/v2" or path.startswith("/v2/"):
            return await self.registry.handle(request)
        if path.startswith("/repositories/") and request.method == "POST":
            return await self._create(request)
        return web.Response(status=404, text="/git/NAME.git is Git, /v2/ the registry\n")

    async def _create(self, request: web.BaseRequest) -> web.StreamResponse:
        """Make an empty repository: for commands, which do not share this process."""
        if not self._admit(request):
            return web.Response(status=401)
        name = request.raw_path.removeprefix("/repositories/")
        try:
            await self.git.create(name)
        except Exception as error:  # told to the command, which knows what to do
            return web.json_response({"problem": getattr(error, "message", "it cannot be made")}, status=409)
        return web.json_response({"url": self.place.repository(name)})

    def _admit(self, request: web.BaseRequest) -> bool:
        """Only who has the token: neither a page in a browser nor another user's process may push code that runs."""
        if request.headers.get("Origin") or request.host != self.place.host:
            return False
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                shown = base64.b64decode(shown).decode().partition(":")[2]
            except ValueError:
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(shown.encode(), self.place.token.encode())

    def _pushed(self, push: Push) -> None:
        if push.branch and set(push.after) != {"0"}:
            self.ci.pushed(push.repository, push.branch, push.after)
        for listener in self._listeners:
            listener(push)

    def _image_pushed(self, repository: str, tag: str) -> None:
        for listener in self._image_listeners:
            listener(repository, tag)

    def _environment(self, _repository: str) -> dict[str, str]:
        return {
            "TRUEUP_REGISTRY": self.place.host,
            "TRUEUP_REGISTRY_USERNAME": USER,
            "TRUEUP_REGISTRY_PASSWORD": self.place.token,
            "TRUEUP_GIT": self.place.git,
            "TRUEUP_GIT_USERNAME": USER,
            "TRUEUP_GIT_PASSWORD": self.place.token,
        }


@asynccontextmanager
async def serving(folder: Path, now: Callable[[], datetime], *, port: int = 0) -> AsyncIterator[Services]:
    """Serve until the block ends. Where they are is written to ``services.json`` in the folder, for its owner only.

    Args:
        folder: keeps everything; services that come back have the same port and token.
        port: 0 for the one they had, or any that is free.
    """
    before = await asyncio.to_thread(_opened, folder)
    wanted = port or (int(before.host.rpartition(":")[2]) if before else 0)
    token = before.token if before else secrets.token_urlsafe(24)
    services: Services | None = None

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert services
        return await services.handle(request)

    server = web.Server(handle, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, handle_signals=False, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, wanted).start()
        except OSError:
            if port:
                raise
            await web.TCPSite(runner, HOST, 0).start()
        place = ServicePlace(f"{HOST}:{runner.addresses[0][1]}", token)
        services = Services(folder, place, now)
        await asyncio.to_thread(_write_place, folder, place)
        working = asyncio.create_task(services.ci.run(), name="ci")
        try:
            yield services
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    finally:
        await runner.cleanup()


def _opened(folder: Path) -> ServicePlace | None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return read_place(folder)


def _write_place(folder: Path, place: ServicePlace) -> None:
    file = folder / "services.json"
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.encode(place))


def read_place(folder: Path) -> ServicePlace | None:
    """Where services of a folder are, or were; None where there were none."""
    try:
        return msgspec.json.decode((folder / "services.json").read_bytes(), type=ServicePlace)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


async def furnish(client: Client, namespace: str, place: ServicePlace) -> None:
    """Give a cluster's engine what it needs to read and write here: Secrets, and the registry's settings.

    Raises:
        ApiError: the cluster does not take it.
    """
    await _apply(client, NAMESPACE, {"metadata": {"name": namespace}})
    await _apply(
        client,
        SECRET,
        {
            "metadata": {"name": GIT_SECRET, "namespace": namespace, "labels": {LABEL: TEMPLATE}},
            "stringData": {"type": "git", "url": place.git, "username": USER, "password": place.token},
        },
    )
    auths = {place.host: {"username": USER, "password": place.token}}
    await _apply(
        client,
        SECRET,
        {
            "metadata": {"name": REGISTRY_SECRET, "namespace": namespace},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": msgspec.json.encode({"auths": auths}).decode()},
        },
    )
    entry: dict[str, Any] = {
        "name": "sandbox",
        "prefix": place.host,
        "api_url": f"http://{place.host}",
        "credentials": f"pullsecret:{namespace}/{REGISTRY_SECRET}",
    }
    registries = msgspec.json.encode({"registries": [entry]}).decode()
    await _apply(
        client,
        CONFIG_MAP,
        {
            "metadata": {"name": IMAGES, "namespace": namespace},
            "data": {"interval": INTERVAL, "registries.conf": registries},
        },
    )


class Herald:
    """Tells a cluster what was pushed here.

    Applications whose repository was pushed to refresh at once, by the annotation that every engine with Argo CD's API
    understands. Image automation is woken by an annotation on its settings.
    """

    def __init__(self, client: Client, namespace: str, services: Services) -> None:
        self._client, self._namespace, self._place, self._now = client, namespace, services.place, services.now
        self._tasks: set[asyncio.Task[None]] = set()
        services.subscribe(lambda push: self._begin(self._tell(push)))
        services.subscribe_images(lambda repository, tag: self._begin(self._tell_image(repository, tag)))

    def _begin(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(telling, name="tell of a push")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Tell nobody any more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, push: Push) -> None:
        told: set[str] = set()
        for pause in PAUSES:
            try:
                await self._tell_readers(push, told)
                return
            except NotFound:
                return  # the cluster does not know Applications yet
            except ApiError as error:
                log.warning("push not told", repository=push.repository, error=str(error), again=pause)
                await asyncio.sleep(pause)

    async def _tell_readers(self, push: Push, told: set[str]) -> None:
        """Ask each application that reads the repository to refresh."""
        requests = Requests(self._client, self._namespace, self._now)
        url = _name(self._place.repository(push.repository))
        listing = await self._client.list(APPLICATION, self._namespace)
        for live in listing.objects:
            if live.key.name in told or url not in _sources(live):
                continue
            with suppress(NotFound):  # it has just gone, and the others have not
                await requests.refresh(f"{self._namespace}/{live.key.name}", pushed=push.after)
            told.add(live.key.name)

    async def _tell_image(self, repository: str, tag: str) -> None:
        annotations = {PUSHED: f"{self._place.host}/{repository}:{tag}"}
        body = msgspec.json.encode({"metadata": {"annotations": annotations}})
        try:
            await self._client.patch(CONFIG_MAP, self._namespace, IMAGES, body, kind="merge")
        except ApiError as error:
            log.debug("image not told", repository=repository, error=str(error))


def _sources(live: LiveObject) -> set[str]:
    """The repositories that an Application reads."""
    spec = live.object().get("spec") or {}
    sources = [*([spec["source"]] if spec.get("source") else []), *(spec.get("sources") or [])]
    return {_name(str(source.get("repoURL") or "")) for source in sources}


def _name(url: str) -> str:
    """What the URLs of one repository have in common; of one that cannot be read, nothing."""
    try:
        return parse_repository_url(url).name
    except InvalidSpec:
        return ""


async def _apply(client: Client, type_: ResourceType, manifest: dict[str, Any]) -> None:
    body = {"apiVersion": type_.api_version, "kind": type_.kind, **manifest}
    metadata = manifest["metadata"]
    encoded = msgspec.json.encode(body)
    await client.apply(type_, metadata.get("namespace", ""), metadata["name"], encoded, manager=MANAGER)


__all__ = ["Herald", "ServicePlace", "Services", "furnish", "read_place", "serving"]
