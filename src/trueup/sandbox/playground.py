"""Everything a first run needs, brought up and taken down as one: a cluster, a repository, the engine."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.model.annotations import API_VERSION, RESOURCES_FINALIZER
from trueup.model.errors import TrueupError
from trueup.sandbox.controlplane import ControlPlane
from trueup.sandbox.processes import Nest, Process
from trueup.sandbox.repository import Git, PlayRepository
from trueup.store.install import install

NAMESPACE = "argocd"
POLLING = {"timeout.reconciliation": "2s", "timeout.reconciliation.jitter": "0s"}
ROOT = "apps"
TRUEUP = (sys.executable, "-m", "trueup")
STOP_SECONDS = 10.0


class Playground(msgspec.Struct, frozen=True, kw_only=True):
    """What is up."""

    folder: Path
    kubeconfig: Path
    client: Client
    discovery: Discovery
    repository: PlayRepository | None
    repository_url: str
    engine: Process

    async def create(self, manifest: dict[str, Any]) -> None:
        """Apply one object of ours."""
        await apply(self.client, self.discovery, manifest)


@asynccontextmanager
async def playground(
    *, folders: list[Path], git: Git, content: Path | None, url: str, report: Callable[[str], None]
) -> AsyncIterator[Playground]:
    """Bring everything up; leave nothing behind.

    Args:
        folders: where the control plane's binaries are.
        git: runs git.
        content: a folder to make a repository of.
        url: an existing repository instead.
        report: told of each step.
    """
    async with AsyncExitStack() as stack:
        nest = await Nest.open("trueup-demo-")
        stack.push_async_callback(nest.close)
        folder = nest.folder
        report("starting a Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager)")
        plane = await stack.enter_async_context(ControlPlane(folders))
        client = await stack.enter_async_context(Client(load_kubeconfig(plane.kubeconfig, None)))
        discovery = Discovery(client)
        await discovery.refresh()
        report("installing the CRDs and the default project")
        await install(client, NAMESPACE, lambda _: None)
        await discovery.refresh()
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": NAMESPACE}}
        await apply(client, discovery, {**settings, "data": POLLING})
        repository = None
        if content is not None:
            report("making a Git repository")
            repository = PlayRepository(folder / "repository", git)
            await repository.create(content)
            url = repository.url
        access: list[str | Path] = ["--kubeconfig", plane.kubeconfig]
        await nest.start("simulator", [*TRUEUP, "simulate", *access])
        report("starting the engine")
        local = ["--allow-local-repos", url.removeprefix("file://")] if url.startswith("file://") else []
        engine = await nest.start("engine", [*TRUEUP, "server", *access, "--data", folder / "data", *local])
        # Asked first, so that its log ends in order; the others are just ended.
        stack.push_async_callback(nest.stop, engine, STOP_SECONDS)
        yield Playground(
            folder=folder,
            kubeconfig=plane.kubeconfig,
            client=client,
            discovery=discovery,
            repository=repository,
            repository_url=url,
            engine=engine,
        )


def application(name: str, url: str, path: str, *, namespace: str, **source: Any) -> dict[str, Any]:
    """An automated Application manifest."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {"name": name, "namespace": NAMESPACE, "finalizers": [RESOURCES_FINALIZER]},
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
