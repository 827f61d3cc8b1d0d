"""Times at which a project's applications may sync, and may not (Argo CD ``types.go``, SyncWindows).

A window begins by its schedule, read on the clock of its time zone, and lasts until that clock has gone on by its
duration: one from 22:00 for 8 h ends at 06:00 by the clock, also in the night in which the clock is changed.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from kubegrammar.cron import Schedule, parse_cron
from kubegrammar.duration import parse_duration
from kubegrammar.glob import glob_match, glob_problem
from trueup.model.application import Application
from trueup.model.project import Project, SyncWindow
from trueup.policy.automatic import Decision
from trueup.policy.project import resolved
from trueup.policy.servers import matches_server

ALLOW, DENY = "allow", "deny"
BLOCKED = "Sync operation blocked by sync window"
"""Argo CD's words for an operation that waits for a window."""
_LONGEST_ZONE = 100
_SHORTEST_WAIT = 60.0
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class WindowVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a sync may go on now.

    Attributes:
        allowed: so it may.
        fault: a window that cannot be read, and why; then nothing is allowed.
        again: seconds until a window begins or ends; infinite without windows.
    """

    allowed: bool = True
    fault: str = ""
    again: float = math.inf


class AssignedWindow(msgspec.Struct, frozen=True):
    """A window that is for an application, and where it is written."""

    place: str
    window: SyncWindow


class _Read(msgspec.Struct, frozen=True):
    window: SyncWindow
    schedule: Schedule
    duration: timedelta
    zone: tzinfo

    def active(self, now: datetime) -> bool:
        local = self._local(now)
        begin = self._next(local - self.duration)
        return begin is not None and begin <= local

    def changes_in(self, now: datetime) -> float:
        """Seconds until the window begins, or until the part of it that began first ends."""
        local = self._local(now)
        begin = self._next(local - self.duration)
        if begin is None:
            return math.inf
        moment = begin if begin > local else begin + self.duration
        # In the hour that comes twice, the one that is still ahead.
        waits = [(moment.replace(tzinfo=self.zone, fold=fold) - now).total_seconds() for fold in (0, 1)]
        return min((wait for wait in waits if wait > 0), default=_SHORTEST_WAIT)

    def _local(self, now: datetime) -> datetime:
        return now.astimezone(self.zone).replace(tzinfo=None)

    def _next(self, after: datetime) -> datetime | None:
        """The first beginning after a moment, both by the zone's clock."""
        return self.schedule.next(after)


def assigned(project: Project, app: Application) -> list[AssignedWindow]:
    """The windows of a project that are for an application.

    A window is for it if any of its lists (applications, namespaces, clusters) names it; with ``andOperator`` all the
    lists that are not empty must. An entry that is no glob names everything: a slip in a window must not permit.
    """
    return [
        AssignedWindow(f"spec.syncWindows[{index}]", window)
        for index, window in enumerate(project.spec.sync_windows)
        if _concerns(window, app)
    ]


def may_sync(
    windows: Sequence[AssignedWindow], *, manual: bool, now: datetime, started_at: datetime | None = None
) -> WindowVerdict:
    """Whether an operation may start or go on.

    An active deny blocks; otherwise an active allow permits; otherwise any allow blocks, being inactive. What blocks
    lets a manual sync pass if all that block have ``manualSync``, and lets an operation go on that was permitted when
    it started if all that block have ``syncOverrun``.

    Args:
        windows: of the application (:func:`assigned`).
        manual: somebody asked for it.
        started_at: when the operation began; None for one that has not. A time that cannot be is none.
    """
    if not windows:
        return WindowVerdict()
    try:
        read = [_read(item) for item in windows]
    except ValueError as error:
        return WindowVerdict(allowed=False, fault=str(error))
    if started_at is not None and not _EARLIEST <= started_at <= now:
        started_at = None
    again = min(window.changes_in(now) for window in read)
    return WindowVerdict(allowed=_allowed(read, manual, now, started_at), again=again)


def is_open(item: AssignedWindow, now: datetime) -> bool:
    """Whether a window is open now; one that cannot be read is not."""
    try:
        return _read(item).active(now)
    except ValueError:
        return False


def held(decision: Decision, windows: Sequence[AssignedWindow], project: Project, now: datetime) -> Decision:
    """A decision to sync by itself, as the windows let it stand. A window that cannot be read is told in any case."""
    verdict = may_sync(windows, manual=False, now=now)
    if verdict.allowed or (decision.operation is None and not verdict.fault):
        return decision
    condition = ("SyncError", f"{BLOCKED}: {in_project(verdict, project)}") if verdict.fault else decision.condition
    return Decision(
        condition=condition, again=min(verdict.again, decision.again), reason="Sync prevented by sync window"
    )


def in_project(verdict: WindowVerdict, project: Project) -> str:
    """The fault of a window, with the project it is in."""
    return f"project {project.metadata.name}: {verdict.fault}"


def describe_windows(windows: Sequence[AssignedWindow], now: datetime) -> str:
    """What windows permit now, in Argo CD's words: ``Sync Allowed``, ``Manual Allowed`` or ``Sync Denied``."""
    if may_sync(windows, manual=False, now=now).allowed:
        return "Sync Allowed"
    return "Manual Allowed" if may_sync(windows, manual=True, now=now).allowed else "Sync Denied"


def _allowed(windows: Sequence[_Read], manual: bool, now: datetime, started_at: datetime | None) -> bool:
    blocking = _blocking(windows, now)
    if not blocking or (manual and all(window.manual_sync for window in blocking)):
        return True
    overrun = started_at is not None and all(window.sync_overrun for window in blocking)
    return overrun and started_at is not None and _allowed(windows, manual, started_at, None)


def _blocking(windows: Sequence[_Read], now: datetime) -> list[SyncWindow]:
    active = [read.window for read in windows if read.active(now)]
    if denies := [window for window in active if window.kind == DENY]:
        return denies
    if any(window.kind == ALLOW for window in active):
        return []
    return [read.window for read in windows if read.window.kind == ALLOW]


def _concerns(window: SyncWindow, app: Application) -> bool:
    target = resolved(app.spec.destination)
    servers = any(matches_server(pattern, target.server) for pattern in window.clusters if target.server)
    lists = [
        (window.applications, _names(window.applications, app.metadata.name)),
        (window.namespaces, _names(window.namespaces, target.namespace)),
        (window.clusters, servers or _names(window.clusters, target.name)),
    ]
    named = [concerned for patterns, concerned in lists if patterns]
    return bool(named) and (all(named) if window.and_operator else any(named))


def _names(patterns: Iterable[str], text: str) -> bool:
    return any(glob_problem(pattern) or (text and glob_match(pattern, text)) for pattern in patterns)


def _read(item: AssignedWindow) -> _Read:
    """Raises ValueError, naming the field."""
    window, place = item.window, item.place
    if window.kind not in (ALLOW, DENY):
        raise ValueError(f'{place}.kind: "{window.kind[:40]}" is neither allow nor deny')
    for field, patterns in (
        ("applications", window.applications),
        ("namespaces", window.namespaces),
        ("clusters", window.clusters),
    ):
        for index, pattern in enumerate(patterns):
            if problem := glob_problem(pattern):
                raise ValueError(f"{place}.{field}[{index}]: {problem}")
    if window.schedule.strip().startswith("@"):
        # Argo CD's reader of windows knows the five fields alone.
        raise ValueError(f'{place}.schedule: "{window.schedule.strip()[:40]}" is not five fields')
    try:
        schedule = parse_cron(window.schedule)
    except ValueError as error:
        raise ValueError(f"{place}.schedule: {error}") from None
    try:
        duration = timedelta(seconds=parse_duration(window.duration))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{place}.duration: {error}") from None
    return _Read(window, schedule, duration, _zone(window.time_zone, place))


def _zone(name: str, place: str) -> tzinfo:
    if not name:
        return UTC
    try:
        if len(name) > _LONGEST_ZONE:
            raise ValueError(name)
        # Loaded with the first window that names one.
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f'{place}.timeZone: there is no time zone "{name[:40]}"') from None
