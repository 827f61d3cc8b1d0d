"""The reconciler of image automation: a round now and then, and what came of it where people look."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kubegrammar.time import format_exact_time, format_time
from trueup.features.images.rounds import RoundOutcome, Rounds
from trueup.features.images.settings import INTERVAL, ImageSettings
from trueup.features.images.surprise import surprise
from trueup.model.application import DEFAULT_PROJECT
from trueup.model.audit import Action, Actor, AuditRecord, FieldChange, Why
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.repository import RepositoryOf
from trueup.runtime.logger import Logger

log = Logger("trueup.images")

CONDITION = "ImageUpdateError"
SETTLE = 0.3
"""Seconds that a change is waited for after one."""


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """Where the reconciler tells what it did; filled by the composition root.

    Attributes:
        live: an Application as stored, by its key.
        patch: merge-patches one.
        event: records an Event about one: reason, message, whether it is a warning.
        pushed: a repository has a new commit of ours.
        audit: appends entries.
    """

    live: Callable[[str], LiveObject | None]
    patch: Callable[[str, dict[str, Any]], Awaitable[None]]
    event: Callable[[LiveObject, str, str, bool], None]
    pushed: Callable[[RepositoryOf], None]
    audit: Callable[..., Awaitable[list[int]]]
    settings: Callable[[], Awaitable[ImageSettings]]
    now: Callable[[], datetime]


class ImageReconciler:
    """Runs rounds until cancelled."""

    def __init__(self, rounds: Rounds, reports: Reports) -> None:
        self._rounds, self._reports = rounds, reports
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Begin the next round at once."""
        self._wake.set()

    async def run(self) -> None:
        """A round at each interval."""
        while True:
            interval = INTERVAL
            try:
                settings = await self._reports.settings()
                interval = settings.interval
                for warning in settings.warnings:
                    log.warning("setting not read", problem=warning)
                await self.round()
            except TrueupError as error:
                log.warning("images not looked at", error=str(error))
            except Exception:
                # One application's surprise must not end the updates of all others.
                log.exception("round of image updates failed")
            try:
                await asyncio.wait_for(self._wake.wait(), interval)
            except TimeoutError:
                continue
            # Changes come in bursts: one round does for all of them.
            await asyncio.sleep(SETTLE)
            self._wake.clear()

    async def round(self) -> list[RoundOutcome]:
        """One round: look, write, tell."""
        reports = await self._rounds.look()
        outcomes = await self._rounds.write(reports)
        problems: dict[str, list[str]] = {report.work.subject.key: [] for report in reports}
        for report in reports:
            problems[report.work.subject.key] += report.problems
        for outcome in outcomes:
            try:
                await self._tell(outcome, problems)
            except TrueupError as error:
                log.warning("image update not told", repository=outcome.repository, error=str(error))
            except Exception as error:
                surprise(outcome.repository, error)
        for key, texts in problems.items():
            try:
                await self._condition(key, texts)
            except Exception as error:
                surprise(key, error)
        return outcomes

    async def _tell(self, outcome: RoundOutcome, problems: dict[str, list[str]]) -> None:
        projects = {work.subject.key: work.subject.app.spec.project or DEFAULT_PROJECT for work, _ in outcome.done}
        keys = sorted(projects)
        if outcome.problem:
            for key in keys:
                problems[key].append(outcome.problem)
            log.warning("images not written", repository=outcome.repository, error=outcome.problem)
            return
        if outcome.written is None and not outcome.changes:
            return
        written = outcome.written
        await self._reports.audit(*(self._entry(key, projects[key], outcome) for key in keys))
        what = ", ".join(f"{u.rule.image.name} {u.old.tag or '-'} → {u.new.tag}" for _, us in outcome.done for u in us)
        where = f"commit {written.sha[:8]} on {written.branch}" if written else outcome.repository
        page = f", pull request {outcome.pull_request}" if outcome.pull_request else ""
        log.info("images updated", images=what, where=where, repository=outcome.repository)
        for key in keys:
            live = self._reports.live(key)
            if live is not None:
                self._reports.event(live, "ImagesUpdated", f"{what}: {where}{page}", False)
        if written:
            self._reports.pushed(outcome.done[0][0].repository)

    def _entry(self, key: str, project: str, outcome: RoundOutcome) -> AuditRecord:
        written = outcome.written
        return AuditRecord(
            at=format_exact_time(self._reports.now()),
            action=Action.IMAGE,
            application=key,
            project=project,
            why=Why.IMAGE_UPDATE,
            by=Actor(name="trueup", kind="engine"),
            changes=tuple(FieldChange(c.place, c.before, c.after) for c in outcome.changes),
            repository=outcome.repository,
            from_revision=written.base if written else "",
            revision=written.sha if written else "",
            message=outcome.pull_request,
        )

    async def _condition(self, key: str, problems: Sequence[str]) -> None:
        """One condition says all that is wrong; none says that nothing is."""
        live = self._reports.live(key)
        if live is None:
            return
        conditions = (live.object().get("status") or {}).get("conditions") or []
        kept = [each for each in conditions if each.get("type") != CONDITION]
        message = "; ".join(dict.fromkeys(problems))[:1000]
        before = next((each for each in conditions if each.get("type") == CONDITION), None)
        if (before or {}).get("message", "") == message:
            return
        if message:
            when = format_time(self._reports.now())
            kept.append({"type": CONDITION, "message": message, "lastTransitionTime": when})
        change = {"metadata": {"resourceVersion": live.resource_version}, "status": {"conditions": kept or None}}
        try:
            await self._reports.patch(key, change)
        except TrueupError as error:
            log.debug("condition not written, the next round will", application=key, error=str(error))
            return
        if message:
            self._reports.event(live, CONDITION, message, True)
