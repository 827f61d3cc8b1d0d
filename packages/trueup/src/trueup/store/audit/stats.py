"""Deployment facts: how long a commit takes, how often one fails, how soon that is mended. Pure.

The four measures are those of the DORA reports. A deployment is a sync to a revision that the application had not
deployed last; it has failed when the sync fails, or the application is Degraded before the next deployment.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kubegrammar.time import parse_time
from trueup.model.audit import Action, AuditRecord


class DeliveryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one application, or of all.

    Attributes:
        lead_median, lead_p90: seconds from commit to healthy; None without a deployment that became healthy.
        per_day: deployments per day between the first and the last entry.
        failure_rate: of deployments, 0 to 1; None without one.
        restore_median: seconds from Degraded to Healthy; None where nothing was mended.
    """

    deployments: int = 0
    failed: int = 0
    lead_median: float | None = None
    lead_p90: float | None = None
    per_day: float = 0.0
    failure_rate: float | None = None
    restore_median: float | None = None
    healed: int = 0


class _Deployment(msgspec.Struct):
    committed_at: datetime | None
    failed: bool = False
    lead: float | None = None


class _Story(msgspec.Struct):
    """What one application's entries come to."""

    deployments: list[_Deployment] = []
    restores: list[float] = []
    healed: int = 0
    revision: str = ""
    committed: dict[str, str] = {}
    degraded_since: datetime | None = None


def facts_of(entries: Iterable[AuditRecord]) -> tuple[dict[str, DeliveryFacts], DeliveryFacts]:
    """Facts of each application, and of all together."""
    stories: dict[str, _Story] = {}
    first: datetime | None = None
    last: datetime | None = None
    for entry in entries:
        if not entry.application:
            continue
        now = parse_time(entry.at)
        first, last = first or now, now
        _take(stories.setdefault(entry.application, _Story()), entry, now)
    days = max((last - first).total_seconds() / 86_400, 1.0) if first and last else 1.0
    each = {name: _facts([story], days) for name, story in sorted(stories.items())}
    return each, _facts(list(stories.values()), days)


def _take(story: _Story, entry: AuditRecord, now: datetime) -> None:
    if entry.action is Action.COMMIT and entry.committed_at:
        story.committed[entry.revision] = entry.committed_at
    elif entry.action is Action.HEALED:
        story.healed += 1
    elif entry.action is Action.FINISHED:
        if entry.revision != story.revision:
            committed = story.committed.get(entry.revision) or entry.committed_at
            story.deployments.append(_Deployment(parse_time(committed) if committed else None))
            story.revision = entry.revision
        if entry.result != "Succeeded" and story.deployments:
            story.deployments[-1].failed = True
        elif entry.message == "Healthy":
            _healthy(story, now)
    elif entry.action is Action.HEALTH:
        if entry.result == "Degraded":
            story.degraded_since = story.degraded_since or now
            if story.deployments:
                story.deployments[-1].failed = True
        elif entry.result == "Healthy":
            _healthy(story, now)


def _healthy(story: _Story, now: datetime) -> None:
    if story.degraded_since is not None:
        story.restores.append((now - story.degraded_since).total_seconds())
        story.degraded_since = None
    if story.deployments and story.deployments[-1].lead is None and story.deployments[-1].committed_at:
        latest = story.deployments[-1]
        assert latest.committed_at
        latest.lead = max(0.0, (now - latest.committed_at).total_seconds())


def _facts(stories: Sequence[_Story], days: float) -> DeliveryFacts:
    deployments = [each for story in stories for each in story.deployments]
    leads = sorted(each.lead for each in deployments if each.lead is not None)
    restores = sorted(seconds for story in stories for seconds in story.restores)
    failed = sum(each.failed for each in deployments)
    return DeliveryFacts(
        deployments=len(deployments),
        failed=failed,
        lead_median=_quantile(leads, 0.5),
        lead_p90=_quantile(leads, 0.9),
        per_day=len(deployments) / days,
        failure_rate=failed / len(deployments) if deployments else None,
        restore_median=_quantile(restores, 0.5),
        healed=sum(story.healed for story in stories),
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    return values[min(len(values) - 1, round(share * (len(values) - 1)))] if values else None
