"""The language of the end-to-end tests: an engine in a process of its own, a repository, applications, live objects."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from tests.support import commands
from tests.support.patience import stretched

from kubegrammar import yaml
from trueup.cli.app.access import ApplicationView, read_view
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import ApiError, Conflict, NotFound
from trueup.model.annotations import API_VERSION, REFRESH, RESOURCES_FINALIZER
from trueup.model.live import LiveObject
from trueup.model.resource import group_of
from trueup.model.status import SyncCode
from trueup.store.kinds import APPLICATION
from trueup.workers.git import run_git
from trueup.workshop.repository import PlayRepository

PATIENCE = 60.0
AUTOMATED = {"prune": True, "selfHeal": True}


class EngineProcess:
    """``trueup server`` as users run it."""

    def __init__(
        self,
        kubeconfig: Path,
        folder: Path,
        repositories: Path,
        namespace: str,
        wave_delay: float,
        state: Path | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.arguments = arguments
        self.kubeconfig, self.folder, self.repositories, self.namespace = kubeconfig, folder, repositories, namespace
        self.wave_delay = wave_delay
        self.state = state or folder / "state"
        self.log = folder / "engine.log"
        self.process: commands.Running | None = None

    async def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = await commands.start(
                "server", "--kubeconfig", self.kubeconfig, "--namespace", self.namespace,
                "--data", "data", "--state", self.state,
                "--allow-local-repos", self.repositories,
                "--sync-wave-delay", str(self.wave_delay), *self.arguments,
                stdout=output.fileno(), stderr=output.fileno(), folder=self.folder,
            )  # fmt: skip

    async def stop(self) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        try:
            return await asyncio.wait_for(self.process.wait(), stretched(15))
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()

    async def kill(self) -> None:
        """``kill -9``, of the process by its id."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@asynccontextmanager
async def engine_process(
    kubeconfig: Path,
    folder: Path,
    repositories: Path,
    namespace: str,
    wave_delay: float = 2.0,
    state: Path | None = None,
    arguments: Sequence[str] = (),
) -> AsyncIterator[EngineProcess]:
    """A running engine, ended with the test."""
    engine = EngineProcess(kubeconfig, folder, repositories, namespace, wave_delay, state, arguments)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


class Estate:
    """One test's view: its repository and the applications made from it."""

    def __init__(
        self, client: Client, discovery: Discovery, engine: EngineProcess, repository: PlayRepository, name: str
    ) -> None:
        self.client, self.discovery, self.engine, self.repository = client, discovery, engine, repository
        self.name = name
        self.made: list[str] = []

    async def given(self, files: Mapping[str, str]) -> str:
        """A first commit with these files."""
        self.repository.folder.mkdir(parents=True)
        await self.repository.git("init", "--quiet", "--initial-branch=main")
        return await self.commit(files)

    async def commit(self, files: Mapping[str, str | bytes | None]) -> str:
        """Write (or with None delete) files and commit; returns the commit."""
        for path, text in files.items():
            file = self.repository.folder / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return await self.repository.commit("change")

    async def app(
        self,
        path: str,
        *,
        name: str = "",
        automated: Mapping[str, Any] | None = AUTOMATED,
        options: tuple[str, ...] = ("CreateNamespace=true",),
        finalizer: str = RESOURCES_FINALIZER,
        policy: Mapping[str, Any] | None = None,
        annotations: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        **source: Any,
    ) -> str:
        """Create an Application over a folder of the repository; returns its name, also its namespace's."""
        name = name or self.name
        sync_policy: dict[str, Any] = {"syncOptions": list(options), **(policy or {})}
        if automated is not None:
            sync_policy["automated"] = dict(automated)
        manifest = {
            "apiVersion": API_VERSION,
            "kind": "Application",
            "metadata": {
                "name": name,
                "namespace": self.engine.namespace,
                "finalizers": [finalizer] if finalizer else [],
                "annotations": dict(annotations or {}),
            },
            "spec": {
                "project": "default",
                "source": {"repoURL": self.repository.url, "path": path, "targetRevision": "HEAD", **source},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
                "syncPolicy": sync_policy,
                **(spec or {}),
            },
        }
        await self.client.create(self.application, self.engine.namespace, msgspec.json.encode(manifest))
        self.made.append(name)
        return name

    @property
    def application(self) -> ResourceType:
        return APPLICATION

    async def view(self, name: str = "") -> ApplicationView:
        live = await self.client.get(self.application, self.engine.namespace, name or self.name)
        return read_view(live.body)

    async def views(self, name: str = "") -> AsyncGenerator[ApplicationView]:
        """The application as it is, and after each of its changes. There may be none for a while."""
        name, namespace = name or self.name, self.engine.namespace
        while True:
            try:
                live = await self.client.get(self.application, namespace, name)
            except NotFound:
                await asyncio.sleep(0.1)
                continue
            yield read_view(live.body)
            # A stream that breaks is begun anew.
            with suppress(ApiError):
                watch = self.client.watch(
                    self.application,
                    live.resource_version,
                    namespace=namespace,
                    field_selector=f"metadata.name={name}",
                )
                async with aclosing(watch) as events:
                    async for event in events:
                        if event.type in ("ADDED", "MODIFIED"):
                            yield read_view(event.object.body)

    async def patch(self, change: Mapping[str, Any], name: str = "") -> ApplicationView:
        live = await self.client.patch(
            self.application, self.engine.namespace, name or self.name, msgspec.json.encode(change), kind="merge"
        )
        return read_view(live.body)

    async def refresh(self, name: str = "", kind: str = "normal") -> ApplicationView:
        """Ask for a refresh and wait until it is done."""
        await self.patch({"metadata": {"annotations": {REFRESH: kind}}}, name)
        return await self.until(lambda view: REFRESH not in view.app.metadata.annotations, name, what="refreshed")

    async def sync(self, name: str = "", **operation: Any) -> ApplicationView:
        """A manual sync, to its end."""
        await self.patch({"operation": {"sync": operation, "initiatedBy": {"username": "tester"}}}, name)
        return await self.until(
            lambda view: (
                view.app.operation is None
                and view.status.operation_state is not None
                and view.status.operation_state.phase.completed
            ),
            name,
            what="operation ended",
        )

    async def until(
        self, holds: Callable[[ApplicationView], bool], name: str = "", *, what: str = "so", patience: float = PATIENCE
    ) -> ApplicationView:
        """Wait until the application is so; fails with its state and the engine's last words."""
        view: ApplicationView | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(stretched(patience)), aclosing(self.views(name)) as views:
                async for view in views:
                    if holds(view):
                        return view
        status = msgspec.json.format(msgspec.json.encode(view.raw.get("status"))).decode() if view else "no application"
        raise AssertionError(f"not {what} within {patience} s: {status}\n{self.engine.tail()}")

    async def settled(self, revision: str = "", name: str = "", patience: float = PATIENCE) -> ApplicationView:
        """Synced (to a revision), healthy, no operation under way."""

        def holds(view: ApplicationView) -> bool:
            status = view.status
            state = status.operation_state
            return bool(
                status.sync
                and status.sync.status is SyncCode.SYNCED
                and (not revision or status.sync.revision == revision)
                and status.health
                and status.health.status == "Healthy"
                and view.app.operation is None
                and (state is None or state.phase.completed)
            )

        return await self.until(holds, name, what=f"synced and healthy at {revision[:8]}", patience=patience)

    async def eventually(
        self, holds: Callable[[], Awaitable[bool]], *, what: str = "so", patience: float = PATIENCE
    ) -> None:
        """Wait until something in the cluster is so."""
        deadline = time.monotonic() + stretched(patience)
        while time.monotonic() < deadline:
            if await holds():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"not {what} within {patience} s\n{self.engine.tail()}")

    async def condition(self, kind: str, name: str = "") -> str:
        """Wait for a condition; returns its message."""
        view = await self.until(
            lambda view: any(c.type == kind for c in view.status.conditions), name, what=f"in condition {kind}"
        )
        return next(c.message for c in view.status.conditions if c.type == kind)

    async def event(self, reason: str, part: str, name: str = "") -> None:
        """Wait for an Event about the application whose message holds this."""
        events = self.discovery.find("", "Event")
        assert events is not None
        deadline = time.monotonic() + stretched(PATIENCE)
        while time.monotonic() < deadline:
            listing = await self.client.list(events, self.engine.namespace)
            for event in (live.object() for live in listing.objects):
                about = event["involvedObject"]["name"], event["reason"]
                if about == (name or self.name, reason) and part in event["message"]:
                    return
            await asyncio.sleep(0.1)
        raise AssertionError(f"no Event {reason} with {part!r}\n{self.engine.tail()}")

    async def live(self, kind: str, name: str, *, group: str = "", namespace: str = "") -> LiveObject | None:
        """An object of the cluster, None when there is none. The namespace is the test's unless named."""
        resource = self.discovery.find(group, kind)
        if resource is None:
            await self.discovery.refresh()
            resource = self.discovery.find(group, kind)
        assert resource is not None, f"the cluster does not serve {group}/{kind}"
        try:
            return await self.client.get(resource, (namespace or self.name) if resource.namespaced else "", name)
        except NotFound:
            return None

    async def names(self, kind: str, *, group: str = "") -> list[str]:
        """The names of what there is of a kind in the test's namespace."""
        resource = self.discovery.find(group, kind)
        assert resource is not None
        listing = await self.client.list(resource, self.name)
        return sorted(live.key.name for live in listing.objects)

    async def kind(self, group: str, kind: str) -> ResourceType:
        """A served kind; a server tells of a new one a moment after it serves it."""
        deadline = time.monotonic() + stretched(PATIENCE)
        while (found := self.discovery.find(group, kind)) is None:
            assert time.monotonic() < deadline, f"the cluster does not serve {group}/{kind}"
            await asyncio.sleep(0.1)
            await self.discovery.refresh()
        return found

    async def gone(
        self,
        kind: str,
        name: str,
        *,
        group: str = "",
        namespace: str = "",
        finalizer: str = "",
        patience: float = PATIENCE,
    ) -> None:
        """Wait until an object is gone, or only a finalizer of it where one is named."""
        deadline = time.monotonic() + stretched(patience)
        while time.monotonic() < deadline:
            found = await self.live(kind, name, group=group, namespace=namespace)
            if found is None or (finalizer and finalizer not in found.finalizers):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{kind} {name} is still there\n{self.engine.tail()}")

    async def make(self, manifest: Mapping[str, Any]) -> LiveObject:
        """Create an object; its namespace is the test's unless it names one."""
        group = group_of(manifest["apiVersion"])
        resource = self.discovery.find(group, manifest["kind"])
        assert resource is not None
        namespace = manifest["metadata"].get("namespace", self.name) if resource.namespaced else ""
        return await self.client.create(resource, namespace, msgspec.json.encode(manifest))

    async def change(self, kind: str, name: str, patch: Mapping[str, Any], *, group: str = "") -> LiveObject:
        """What somebody with kubectl would do."""
        resource = self.discovery.find(group, kind)
        assert resource is not None
        return await self.client.patch(
            resource,
            self.name if resource.namespaced else "",
            name,
            msgspec.json.encode(patch),
            kind="merge",
            manager="kubectl-edit",
        )

    async def create(self, text: str, namespace: str = "") -> None:
        """``kubectl create -f``, of one manifest."""
        manifest = yaml.load(text.encode(), "manifest")
        assert isinstance(manifest, dict)
        group, _, _ = manifest["apiVersion"].rpartition("/")
        resource = await self.kind(group, manifest["kind"])
        await self.client.create(resource, namespace or self.name, msgspec.json.encode(manifest))

    async def remove(self, kind: str, name: str, *, group: str = "", namespace: str = "") -> None:
        resource = self.discovery.find(group, kind)
        assert resource is not None
        space = (namespace or self.name) if resource.namespaced else ""
        await self.client.delete(resource, space, name, propagation="Background")

    async def remove_application(self, name: str = "") -> None:
        """``kubectl delete application``."""
        await self.client.delete(self.application, self.engine.namespace, name or self.name, propagation="Background")

    async def application_gone(self, name: str = "") -> None:
        """Wait until the application itself is gone."""
        deadline = time.monotonic() + stretched(PATIENCE)
        while time.monotonic() < deadline:
            try:
                await self.view(name)
            except NotFound:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the application is still there\n{self.engine.tail()}")

    async def close(self) -> None:
        """Delete the applications. Their namespaces go with the cluster, which has better to do."""
        for name in self.made:
            try:
                await self.patch({"metadata": {"finalizers": []}}, name)
                await self.client.delete(self.application, self.engine.namespace, name, propagation="Background")
            except (NotFound, Conflict):
                continue


def play_repository(folder: Path) -> PlayRepository:
    return PlayRepository(folder, run_git)
