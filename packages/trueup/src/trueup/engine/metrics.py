"""What an engine knows, as numbers for Prometheus; Argo CD's names where it has them."""

import os
import resource
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from kubegrammar.redact import redact_url
from trueup.engine.engine import Engine
from trueup.model.application import DEFAULT_PROJECT
from trueup.runtime.metrics import Family, series
from trueup.store.applications import StoredApplication

_APPLICATION: Final = ("namespace", "name", "project")
INFO: Final = Family(
    "argocd_app_info",
    "gauge",
    "Information about applications.",
    (
        *_APPLICATION,
        "autosync_enabled",
        "repo",
        "dest_server",
        "dest_namespace",
        "sync_status",
        "health_status",
        "operation",
    ),
)
CONDITION: Final = Family("argocd_app_condition", "gauge", "Conditions of applications.", (*_APPLICATION, "condition"))
CLUSTER: Final = Family(
    "argocd_cluster_info", "gauge", "Information about clusters.", ("server", "k8s_version", "name")
)
CONNECTED: Final = Family(
    "argocd_cluster_connection_status", "gauge", "Whether a cluster can be used.", ("server", "k8s_version")
)
OBJECTS: Final = Family(
    "argocd_cluster_api_resource_objects", "gauge", "Objects of a cluster that are followed.", ("server",)
)
KINDS: Final = Family("argocd_cluster_api_resources", "gauge", "Kinds of a cluster that are followed.", ("server",))
LEADER: Final = Family("trueup_engine_acting", "gauge", "Whether this engine is the one that acts.")
WAITING: Final = Family("trueup_queue_waiting", "gauge", "Keys that wait for work.", ("queue",))
AGE: Final = Family("trueup_queue_age_seconds", "gauge", "How long the oldest of them has waited.", ("queue",))
CPU: Final = Family("process_cpu_seconds_total", "counter", "Processor time of the engine's own process.")
MEMORY: Final = Family("process_resident_memory_bytes", "gauge", "Memory of the engine's own process.")
BEGAN: Final = Family("process_start_time_seconds", "gauge", "When it began, in seconds since 1970.")


class EngineNumbers:
    """What is asked when somebody reads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lines: dict[str, tuple[str, str]] = {}
        self._began = time.time()

    def __call__(self) -> Iterator[tuple[Family, Iterable[str]]]:
        """The gauges of the engine and of what it looks after."""
        yield INFO, self._infos()
        yield CONDITION, self._conditions()
        states = [((redact_url(each.server), each.version), each) for each in self._engine.clusters.conditions()]
        yield CLUSTER, series(CLUSTER, (((*of, each.name), 1) for of, each in states))
        yield CONNECTED, series(CONNECTED, ((of, int(each.usable)) for of, each in states))
        clusters = [each.cluster for each in self._engine.term.sites.all()]
        sites = [(redact_url(each.server), each.cache.counts()) for each in clusters]
        yield KINDS, series(KINDS, (((server,), kinds) for server, (kinds, _) in sites))
        yield OBJECTS, series(OBJECTS, (((server,), objects) for server, (_, objects) in sites))
        yield LEADER, [LEADER.line((), int(self._engine.lease.held))]
        queues = self._engine.term.queues()
        yield WAITING, series(WAITING, (((each.name,), each.waiting) for each in queues))
        yield AGE, series(AGE, (((each.name,), each.oldest()) for each in queues))
        yield from self._process()

    def _infos(self) -> Iterator[str]:
        """Each version of an application is written once."""
        known, self._lines = self._lines, {}
        for stored in self._engine.control.applications.readable():
            version = stored.live.resource_version
            found = known.get(stored.key)
            line = found[1] if found is not None and found[0] == version else _info(stored)
            self._lines[stored.key] = (version, line)
            yield line

    def _conditions(self) -> Iterator[str]:
        for stored in self._engine.control.applications.readable():
            for kind, count in sorted(Counter(each.type for each in stored.status.conditions).items()):
                yield CONDITION.line((*_of(stored), kind), count)

    def _process(self) -> Iterator[tuple[Family, Iterable[str]]]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        yield CPU, [CPU.line((), used.ru_utime + used.ru_stime)]
        if size := _resident():
            yield MEMORY, [MEMORY.line((), size)]
        yield BEGAN, [BEGAN.line((), self._began)]


def _of(stored: StoredApplication) -> tuple[str, str, str]:
    metadata = stored.app.metadata
    return metadata.namespace, metadata.name, stored.app.spec.project or DEFAULT_PROJECT


def _info(stored: StoredApplication) -> str:
    spec, status = stored.app.spec, stored.status
    state = status.operation_state
    operation = ""
    if stored.app.metadata.deletion_timestamp:
        operation = "delete"
    elif stored.app.operation is not None or (state is not None and not state.phase.completed):
        operation = "sync"
    sources = spec.all_sources()
    automated = spec.sync_policy is not None and spec.sync_policy.automated is not None
    values = (
        *_of(stored),
        "true" if automated else "false",
        redact_url(sources[0].repo_url) if sources else "",
        spec.destination.server or spec.destination.name,
        spec.destination.namespace,
        str(status.sync.status) if status.sync else "Unknown",
        (str(status.health.status) if status.health else "") or "Unknown",
        operation,
    )
    return INFO.line(values, 1)


def _resident() -> int:
    """Bytes of memory of this process; 0 where nobody says."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
