"""Self-heal: what drifted is put back at once; only what keeps coming back is waited for.

Argo CD counts the heals of an application, whatever they were for, and waits longer before each. Here the count is of
one drift (an object and the fields of it that changed) and goes on only while that comes back soon after its heal: then
somebody else keeps writing it. The counts are kept with the operation that healed, in ``.operation.info``, so that an
engine that takes over waits as long.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from kubegrammar.duration import grown
from kubegrammar.json import digest
from kubegrammar.time import format_time, parse_time, past_time, rest_of
from trueup.model.comparison import ComparedResource
from trueup.model.fields import NameValue
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState

HEALS = "trueup.dev/heals"
"""Name of the entry in ``.operation.info``: ``MARK:COUNT:SECONDS`` for each drift that was healed lately."""
LOOP = "SelfHealLoopWarning"
MOST_HEALS = 200
MOST_TOLD = 5
SOON_FOR_PEOPLE = 5.0
SOON_FOR_PROGRAMS = 30.0
"""Seconds after a heal within which the same drift counts as its answer. A controller's round may take half a minute;
a person may well make one change twice."""
_PEOPLE = ("kubectl", "k9s", "node-fetch", "Mozilla", "curl")
_MARK = 10
_MOST_COUNTED = 1_000_000


class HealSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How self-heal is damped; seconds. ``controller.self.heal.*`` of Argo CD.

    Attributes:
        first, factor, cap: the waits are 0, first, first·factor, … up to cap.
        fixed: the wait before every attempt, where ``first`` is 0.
        cooldown: quiet time after which the waits begin anew.
    """

    first: float = 2.0
    factor: float = 3.0
    cap: float = 300.0
    fixed: float = 5.0
    cooldown: float = 330.0

    def wait(self, attempts: int) -> float:
        """Seconds from a heal to the next of the same drift, after so many in a row."""
        if self.first <= 0:
            return self.fixed
        return grown(self.first, self.factor, attempts - 1, self.cap) if attempts > 0 else 0.0


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How one object differs from Git.

    Attributes:
        fields: paths that differ; empty where the object is missing, or there although Git does not declare it.
        manager: field manager that wrote it last, other than us; empty where that is not known.
    """

    key: ResourceKey
    fields: tuple[str, ...] = ()
    manager: str = ""

    @property
    def mark(self) -> str:
        """What the drift is remembered by."""
        return digest("\n".join([str(self.key), *self.fields]).encode())[:_MARK]

    @property
    def soon(self) -> float:
        """Seconds after its heal within which this drift is no coincidence."""
        person = not self.manager or self.manager.startswith(_PEOPLE)
        return SOON_FOR_PEOPLE if person else SOON_FOR_PROGRAMS


class Healing(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be healed now.

    Attributes:
        due: drifts to heal; none where all of them wait.
        attempts: the longest row of heals among them, this one included.
        again: seconds until the next of the others is due; infinite where none waits.
        info: the counts, to be kept with the operation.
        loops: (condition type, message) for each drift that keeps coming back.
    """

    due: tuple[Drift, ...]
    attempts: int
    again: float
    info: NameValue
    loops: tuple[tuple[str, str], ...]


class _Row(msgspec.Struct, frozen=True):
    """Heals of one drift in a row, and when the last of them ended."""

    count: int
    at: datetime


def bare(resource: ComparedResource) -> Drift:
    """A drift of which no more is known than its object."""
    return Drift(key=resource.key)


def heal(
    drifted: Sequence[ComparedResource],
    last: OperationState,
    now: datetime,
    settings: HealSettings,
    drift_of: Callable[[ComparedResource], Drift],
) -> Healing:
    """Which drifts are healed now, and which wait.

    Args:
        drifted: what a sync could put back.
        last: the last operation, of the revision that is compared.
    """
    ended = past_time(last.finished_at, now)
    rows = _rows(last, ended, now, settings)
    due: list[Drift] = []
    attempts, again, loops = 0, math.inf, list[tuple[str, str]]()
    healed: dict[str, _Row] = {}
    for drift in map(drift_of, drifted):
        row = _going_on(drift, rows, last, ended, now, settings)
        count = row.count if row else 0
        since = ended if settings.first <= 0 or row is None else row.at
        left = rest_of(settings.wait(count), since, now)
        if row and count and settings.first > 0:
            loops.append((LOOP, _told(drift, count, row.at + timedelta(seconds=settings.wait(count)))))
        if left > 0:
            again = min(again, left)
            continue
        due.append(drift)
        attempts = max(attempts, count + 1)
        healed[drift.mark] = _Row(count + 1, now)
    return Healing(
        due=tuple(due), attempts=attempts, again=again, info=_info({**rows, **healed}), loops=tuple(loops[:MOST_TOLD])
    )


def _going_on(
    drift: Drift,
    rows: Mapping[str, _Row],
    last: OperationState,
    ended: datetime | None,
    now: datetime,
    settings: HealSettings,
) -> _Row | None:
    """The row of heals that this drift continues; None where it is a new one."""
    row = rows.get(drift.mark)
    if row is None and ended is not None and len(rows) >= MOST_HEALS and last.operation.sync is not None:
        # More drifted at once than is remembered one by one: they count together, as Argo CD counts.
        row = _Row(_counted(last.operation.sync.auto_heal_attempts_count), ended)
    if row is None:
        return None
    # The wait is ours; what is left of the time is theirs.
    soon = min(settings.wait(row.count) * 1.5 + drift.soon, settings.cooldown)
    return row if (now - row.at).total_seconds() <= soon else None


def _counted(count: int) -> int:
    return min(max(count, 0), _MOST_COUNTED)


def _rows(last: OperationState, ended: datetime | None, now: datetime, settings: HealSettings) -> dict[str, _Row]:
    """The counts that the last operation keeps, without those that are of no use any more."""
    text = next((entry.value for entry in last.operation.info if entry.name == HEALS), "")
    started = past_time(last.started_at, now)
    rows = {}
    for item in text.split():
        mark, _, rest = item.partition(":")
        count, _, seconds = rest.partition(":")
        try:
            at, number = parse_time(seconds), _counted(int(count))
        except ValueError:
            continue  # not written by us
        moment = ended if started is None or at >= started else at
        if number > 0 and moment is not None and (now - moment).total_seconds() < settings.cooldown:
            rows[mark] = _Row(number, moment)
    return rows


def _info(rows: Mapping[str, _Row]) -> NameValue:
    newest = sorted(rows.items(), key=lambda item: item[1].at, reverse=True)[:MOST_HEALS]
    return NameValue(name=HEALS, value=" ".join(f"{mark}:{row.count}:{format_time(row.at)}" for mark, row in newest))


def _told(drift: Drift, count: int, due: datetime) -> str:
    fields = ", ".join(drift.fields[:3]) or "the whole object"
    more = f" and {len(drift.fields) - 3} more" if len(drift.fields) > 3 else ""
    by = drift.manager or "somebody"
    return (
        f"{drift.key.kind}/{drift.key.name}: {by} changes {fields}{more} back soon after each heal ({count} in a row);"
        f" healed again at {format_time(due)}. Leave it out of Git, name it in spec.ignoreDifferences, or stop {by}"
    )
