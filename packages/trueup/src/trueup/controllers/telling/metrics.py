"""Numbers as a reader of what is told: syncs, how long commits take, how long drift lasts."""

from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

from kubegrammar.time import parse_time
from trueup.model.application import DEFAULT_PROJECT
from trueup.model.live import LiveObject
from trueup.model.progress import CommitSeen, Drifted, Finished, Healed, HealthChanged, Told
from trueup.model.resource import ResourceKey
from trueup.runtime.metrics import Family, Metrics
from trueup.store.applications import StoredApplication

_K = TypeVar("_K", bound=Hashable)
_APPLICATION: Final = ("namespace", "name", "project")
SYNCS: Final = Family(
    "argocd_app_sync_total",
    "counter",
    "Number of application syncs.",
    (*_APPLICATION, "dest_server", "phase", "dry_run"),
)
SYNC_SECONDS: Final = Family(
    "argocd_app_sync_duration_seconds_total",
    "counter",
    "Time that syncs took, in seconds.",
    (*_APPLICATION, "dest_server"),
)
_LONG: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)
COMMIT_TO_HEALTHY: Final = Family(
    "trueup_commit_to_healthy_seconds",
    "histogram",
    "From the time of a commit until the application that it changed was Healthy.",
    ("project",),
    _LONG,
)
HEAL_SECONDS: Final = Family(
    "trueup_heal_seconds", "histogram", "From when a drift was seen until it was undone.", ("project",), _LONG
)
REMEMBERED: Final = 10_000
"""Commits and drifts that are waited for."""


class MetricsReader:
    """Counts what is told."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._committed: dict[tuple[str, str], str] = {}
        self._deployed: dict[str, str] = {}
        self._drifted: dict[tuple[str, ResourceKey], str] = {}

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """Nothing yet: what is not on record is not counted."""

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """Count what the status has by now."""
        spec = stored.app.spec
        project = spec.project or DEFAULT_PROJECT
        of = (stored.app.metadata.namespace, stored.app.metadata.name, project)
        for each in told:
            match each.change:
                case CommitSeen(revision=revision, committed_at=at) if at:
                    self._keep(self._committed, (each.application, revision), at)
                case Drifted(key=key):
                    self._keep(self._drifted, (each.application, key), each.at)
                case Healed(key=key):
                    since = self._drifted.pop((each.application, key), "")
                    self._took(HEAL_SECONDS, project, since, each.at)
                case Finished(state=state, sync=sync, health=health):
                    dry = bool(state.operation.sync and state.operation.sync.dry_run)
                    server = spec.destination.server or spec.destination.name
                    self._metrics.count(SYNCS, (*of, server, str(state.phase), "true" if dry else "false"))
                    seconds = _between(state.started_at, state.finished_at or "")
                    self._metrics.count(SYNC_SECONDS, (*of, server), seconds)
                    if str(state.phase) == "Succeeded" and not dry:
                        committed = self._committed.pop((each.application, sync.revision), "")
                        self._keep(self._deployed, each.application, committed)
                    if health == "Healthy":
                        self._healthy(each, project)
                case HealthChanged(after="Healthy"):
                    self._healthy(each, project)
                case _:
                    pass

    def _healthy(self, told: Told, project: str) -> None:
        self._took(COMMIT_TO_HEALTHY, project, self._deployed.pop(told.application, ""), told.at)

    def _took(self, family: Family, project: str, since: str, until: str) -> None:
        if since:
            self._metrics.observe(family, _between(since, until), (project,))

    @staticmethod
    def _keep(known: dict[_K, str], key: _K, at: str) -> None:
        if at:
            known[key] = at
        if len(known) > REMEMBERED:
            del known[next(iter(known))]


def _between(since: str, until: str) -> float:
    """Seconds; 0 where a time cannot be read, or is later than the other by another clock."""
    try:
        return max(0.0, (parse_time(until) - parse_time(since)).total_seconds())
    except ValueError:
        return 0.0
