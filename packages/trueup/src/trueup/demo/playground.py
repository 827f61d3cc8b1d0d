"""Everything a first run needs, brought up and taken down as one: a cluster, a repository, the engine."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from pocketkube.processes import Nest, Process
from trueup.demo.guest import confined_project, remove_applications
from trueup.demo.sites import NAMESPACE, SandboxSite
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.model.annotations import API_VERSION, RESOURCES_FINALIZER
from trueup.model.errors import TrueupError
from trueup.runtime.clock import SystemClock
from trueup.store.install import install
from trueup.workshop.repository import Git, PlayRepository
from trueup.workshop.services import Herald, Services, furnish, serving

__all__ = ["NAMESPACE", "ROOT", "Playground", "application", "apply", "playground"]

POLLING = {"timeout.reconciliation": "2s", "timeout.reconciliation.jitter": "0s"}
ROOT = "apps"
SERVICES, REPOSITORY = "services", "examples"
TRUEUP = (sys.executable, "-m", "trueup")
STOP_SECONDS = 10.0


class Playground(msgspec.Struct, frozen=True, kw_only=True):
    """What is up."""

    site: SandboxSite
    folder: Path
    client: Client
    discovery: Discovery
    repository: PlayRepository | None
    repository_url: str
    engine: Process
    services: Services | None = None
    git: Git | None = None

    @property
    def kubeconfig(self) -> Path:
        """Leads to the cluster."""
        return self.site.kubeconfig

    async def code(self, name: str, content: Path) -> PlayRepository:
        """A repository beside the first one: of code, with a pipeline."""
        assert self.services and self.git, "there are no services to push to"
        await self.services.git.create(name)
        repository = _pushed(self.services, self.folder / name, name, self.git)
        await repository.create(content)
        return repository

    async def create(self, manifest: dict[str, Any]) -> None:
        """Apply one object of ours."""
        await apply(self.client, self.discovery, manifest)


@asynccontextmanager
async def playground(
    site: SandboxSite,
    *,
    git: Git,
    content: Path | None,
    url: str,
    report: Callable[[str], None],
    workshop: bool = False,
    listen: str = "",
) -> AsyncIterator[Playground]:
    """Bring everything up on a cluster; leave nothing behind.

    Args:
        git: runs git.
        content: a folder to make a repository of.
        url: an existing repository instead.
        report: told of each step.
        workshop: serve Git over HTTP, a registry and CI too; otherwise the repository is a folder.
        listen: where the engine serves the API and the web UI, as plain text; empty for nowhere.
    """
    async with AsyncExitStack() as stack:
        nest = await Nest.open("trueup-demo-")
        stack.push_async_callback(nest.close)
        config = load_kubeconfig(site.kubeconfig, site.context or None)
        client = await stack.enter_async_context(Client(config, plugins=site.plugins))
        services = await _workshop(stack, nest.folder, client, site) if workshop else None
        if site.simulate is not None:
            await nest.start("simulator", [*TRUEUP, "simulate", *site.access, *site.simulate])
        what = "a Git server, a registry and CI" if services else "a Git repository"
        report(f"installing the CRDs and the default project, making {what}")
        discovery, repository = await asyncio.gather(
            _installed(client, site), _repository(nest.folder / "repository", git, content, services)
        )
        if services:
            await furnish(client, site.namespace, services.place)
        url = repository.url if repository else url
        report("starting the engine")
        local = ["--allow-local-repos", unquote(url.removeprefix("file://"))] if url.startswith("file://") else []
        command = [*TRUEUP, "server", *site.access, "--namespace", site.namespace, "--data", nest.folder / "data"]
        command += ["--state", nest.folder / "state"]
        serve = ["--listen", listen, "--insecure"] if listen else []
        engine = await nest.start("engine", [*command, *local, *serve])
        # Asked first, so that its log ends in order; the others are just ended.
        stack.push_async_callback(nest.stop, engine, STOP_SECONDS)
        if site.guest:
            stack.push_async_callback(remove_applications, client, site.namespace)
        yield Playground(
            site=site,
            folder=nest.folder,
            client=client,
            discovery=discovery,
            repository=repository,
            repository_url=url,
            engine=engine,
            services=services,
            git=git,
        )


async def _installed(client: Client, site: SandboxSite) -> Discovery:
    """What the cluster serves, with our kinds and settings on it."""
    discovery = Discovery(client)
    await install(client, site.namespace, lambda _: None)
    await discovery.refresh()
    metadata = {"name": "argocd-cm", "namespace": site.namespace}
    await apply(client, discovery, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": POLLING})
    if site.guest:
        await apply(client, discovery, confined_project())
    return discovery


async def _workshop(stack: AsyncExitStack, folder: Path, client: Client, site: SandboxSite) -> Services:
    services = await stack.enter_async_context(serving(folder / SERVICES, SystemClock().now))
    herald = Herald(client, site.namespace, services)
    stack.push_async_callback(herald.close)
    return services


async def _repository(folder: Path, git: Git, content: Path | None, services: Services | None) -> PlayRepository | None:
    if content is None:
        return None
    repository = PlayRepository(folder, git)
    if services:
        await services.git.create(REPOSITORY)
        repository = _pushed(services, folder, REPOSITORY, git)
    await repository.create(content)
    return repository


def _pushed(services: Services, folder: Path, name: str, git: Git) -> PlayRepository:
    return PlayRepository(folder, git, remote=services.place.repository(name), header=services.place.basic)


def application(
    name: str, url: str, path: str, *, namespace: str, control: str = NAMESPACE, **source: Any
) -> dict[str, Any]:
    """An automated Application manifest, in the namespace ``control``."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {"name": name, "namespace": control, "finalizers": [RESOURCES_FINALIZER]},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "path": path, "targetRevision": "HEAD", **source},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["CreateNamespace=true"],
            },
        },
    }


async def apply(client: Client, discovery: Discovery, manifest: dict[str, Any]) -> None:
    """Apply an object whose kind the cluster serves."""
    group = manifest["apiVersion"].rpartition("/")[0]
    resource = discovery.find(group, manifest["kind"])
    if resource is None:
        raise TrueupError(f"the cluster does not serve {manifest['kind']}")
    metadata = manifest["metadata"]
    body = msgspec.json.encode(manifest)
    await client.apply(resource, metadata.get("namespace", ""), metadata["name"], body, manager="trueup-demo")
