"""What lasts as long as the engine does. What a term remembers is built on it, anew each time."""

import msgspec

from trueup.clusters.clusters import Clusters
from trueup.controllers.journal import AuditJournal
from trueup.engine.control import Control
from trueup.engine.git import GitMirrors
from trueup.engine.options import EngineOptions
from trueup.engine.tools import Tools
from trueup.runtime.clock import Clock
from trueup.runtime.lease import Lease
from trueup.runtime.metrics import Metrics
from trueup.sources.registry import RegistryClient


class Lasting(msgspec.Struct, frozen=True, kw_only=True):
    """Caches keyed by content, processes, connections, and what is kept on disk."""

    options: EngineOptions
    clock: Clock
    control: Control
    git: GitMirrors
    tools: Tools
    registry: RegistryClient
    clusters: Clusters
    lease: Lease
    journal: AuditJournal
    metrics: Metrics
