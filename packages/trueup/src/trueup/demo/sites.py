"""Clusters that the demo can run on: one of its own, embedded or real, or somebody else's."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from pocketkube.cluster.embedded import EmbeddedCluster
from pocketkube.controlplane import ControlPlane
from trueup.kube.plugin import RunPlugin, no_plugins

Report = Callable[[str], None]

NAMESPACE = "argocd"


class SandboxSite(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster, and what may be done on it.

    Attributes:
        kubeconfig, context: lead to it; an empty context is the file's current one.
        namespace: the control namespace.
        prefix: of the applications' namespaces.
        simulate: options for ``trueup simulate``; None where nothing is to be played.
        guest: it is somebody else's: what is made there is taken away, and nothing else is touched.
        plugins: runs the program that gives the credential, where its kubeconfig names one.
    """

    kubeconfig: Path
    context: str = ""
    namespace: str = NAMESPACE
    prefix: str = ""
    simulate: tuple[str, ...] | None = ()
    guest: bool = False
    plugins: RunPlugin = no_plugins

    @property
    def access(self) -> list[str | Path]:
        """The options by which ``trueup`` finds it."""
        context = ["--kube-context", self.context] if self.context else []
        return ["--kubeconfig", self.kubeconfig, *context]


@asynccontextmanager
async def embedded(report: Report) -> AsyncIterator[SandboxSite]:
    """An embedded cluster, which plays its nodes and controllers itself."""
    report("starting an embedded Kubernetes API")
    async with EmbeddedCluster(workloads=True) as cluster:
        yield SandboxSite(kubeconfig=cluster.kubeconfig, simulate=None)


@asynccontextmanager
async def real(report: Report, folders: Sequence[Path]) -> AsyncIterator[SandboxSite]:
    """A real control plane, with the simulator for its nodes.

    Args:
        folders: where its binaries are.
    """
    report("starting a Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager)")
    async with ControlPlane(list(folders)) as plane:
        yield SandboxSite(kubeconfig=plane.kubeconfig)
