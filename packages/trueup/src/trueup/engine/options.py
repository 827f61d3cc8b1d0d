"""What an engine is told at its start."""

from pathlib import Path

import msgspec

from trueup.clusters.connection import MEMORY
from trueup.kube.config import ClusterConfig
from trueup.kube.plugin import RunPlugin, no_plugins
from trueup.policy.sharding import Sharding
from trueup.sources.quota import Allowance
from trueup.workers.kept import ROOM


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is told at its start.

    Attributes:
        config: the control cluster, which is also the destination ``https://kubernetes.default.svc``.
        plugins: runs the program that gives the credential of ``config``, where one is named.
        data: folder for mirrors and renders, for this engine alone. It may be deleted.
        state: folder for what must last, shared by all engines of this machine: the audit trail.
        data_named: whether somebody chose the data folder for this engine, rather than its cluster's address.
        local_repositories: folders below which file:// repositories may lie; none by default.
        render_workers: processes that render.
        wave_delay: seconds between the waves of a sync.
        isolated: do no hostile work without a whole wall around it.
        namespaces: whose objects are watched and managed beside the control namespace's; empty for the whole cluster.
        mirrors: disk that mirrors may take.
        plugin_folder: of config management plugins; None where there are none.
        renders: bytes of disk that renders may take; 0 keeps none there.
        cluster_memory: bytes that the objects of one destination may take.
        sharding: which of the clusters are this engine's, where several share them.
    """

    config: ClusterConfig
    plugins: RunPlugin = no_plugins
    control_namespace: str
    data: Path
    state: Path
    local_repositories: tuple[Path, ...] = ()
    data_named: bool = False
    render_workers: int = 2
    wave_delay: float = 2.0
    isolated: bool = False
    namespaces: tuple[str, ...] = ()
    mirrors: Allowance = Allowance()
    renders: int = ROOM
    plugin_folder: Path | None = None
    cluster_memory: int = MEMORY
    sharding: Sharding = Sharding()
