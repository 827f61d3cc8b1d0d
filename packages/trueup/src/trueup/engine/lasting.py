"""What lasts as long as the engine does. What a term remembers is built on it, anew each time."""

import msgspec

from trueup.clusters.clusters import Clusters
from trueup.controllers.journal import Journal
from trueup.engine.control import Control
from trueup.engine.git import Git
from trueup.engine.options import Options
from trueup.engine.tools import Tools
from trueup.runtime.clock import Clock
from trueup.runtime.lease import Lease
from trueup.sources.registry import RegistryClient


class Lasting(msgspec.Struct, frozen=True, kw_only=True):
    """Caches keyed by content, processes, connections, and what is kept on disk."""

    options: Options
    clock: Clock
    control: Control
    git: Git
    tools: Tools
    registry: RegistryClient
    clusters: Clusters
    lease: Lease
    journal: Journal
