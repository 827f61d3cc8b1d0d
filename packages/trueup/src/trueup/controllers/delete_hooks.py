"""Runs the hooks of applications that are being deleted, one step a pass."""

from datetime import datetime

import msgspec

from kubegrammar.time import past_time, rest_of
from trueup import policy
from trueup.controllers.begin import about_source
from trueup.controllers.ports import DELETING_AS, Ports
from trueup.controllers.resuming import Resuming
from trueup.controllers.steps import hooks_ran
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.hooks import DeletePhase
from trueup.model.progress import Deleted, Warned
from trueup.model.resource import GroupKind, version_of
from trueup.model.status import ResourceResult, ResourceStatus, ResultCode
from trueup.plan.delete_hooks import (
    DeleteHookStep,
    DeletionStage,
    HookStep,
    cleanup_step,
    prepared,
    run_step,
    runnable,
    skips_unreadable,
)
from trueup.plan.deletion import AllGone, DeletionWait
from trueup.plan.hooks import Run
from trueup.plan.kinds import NAMESPACE
from trueup.plan.namespace import namespace_key
from trueup.plan.results import SUCCEEDED, moved, result_of
from trueup.plan.step import RECHECK
from trueup.plan.task import RunHookTask
from trueup.runtime.outcome import Requeue, backoff
from trueup.store.applications import StoredApplication
from trueup.store.write import ApplicationWrite

FAILED, WAITS = "DeletionError", "DeletionHeldWarning"
"""Conditions: something went wrong and is tried again; something is waited for."""


class DeleteHooks:
    """Runs hooks before and after the cascade.

    What it remembers (how often the hooks of an application have failed, and until when it waits) is lost at no cost
    but a try that comes sooner.
    """

    def __init__(self, ports: Ports, resuming: Resuming) -> None:
        self.ports, self._resuming = ports, resuming
        self._failures: dict[str, _Failures] = {}

    def forget(self, key: str) -> None:
        """The application is gone."""
        self._failures.pop(key, None)

    async def advance(self, stored: StoredApplication, write: ApplicationWrite, stage: DeletionStage) -> Requeue:
        """Take the next step of a stage; over is it when its finalizer is off.

        Raises:
            NotFetched: a repository is not mirrored yet.
            ApiError: the cluster cannot be asked.
        """
        if wait := self._pause(stored.key):
            return Requeue.after(wait)
        try:
            step = self._clean_up(stored, stage.phase) if stage.cleanup else await self._run(stored, write, stage.phase)
        except TrueupError as error:
            if not about_source(error):
                raise
            return await self._unreadable(stored, write, stage, error)
        if isinstance(step, HookStep):
            return await self._perform(stored, write, stage.phase, step)
        if isinstance(step, DeletionWait):
            write.conditions([(WAITS, step.message)])
            return Requeue.after(step.after)
        return await self._over(stored, write, stage)

    async def _run(self, stored: StoredApplication, write: ApplicationWrite, phase: DeletePhase) -> DeleteHookStep:
        """The next step for the hooks that Git declares now.

        Raises:
            TrueupError: they cannot be read, or may not be run.
        """
        project = self.ports.applications.project_of_stored(stored)
        policy.admit(stored.app, project, self.ports.place(stored.app))
        hooks = await self.ports.observer.delete_hooks(stored, project)
        asked = prepared(phase, hooks, _run_of(stored))
        places = {namespace_key(task.key.namespace) for task in asked if task.key.namespace}
        there = {key.name for key in self.ports.inventory.seen(list(places))[0]}
        if NAMESPACE in self.ports.cluster.unwatched():
            there |= {key.name for key in places}
        tasks = runnable(phase, asked, there, self.ports.inventory.managed(stored).values())
        for task in asked:
            if task not in tasks:
                told = f"{phase.value} hook {task.key}: its namespace does not exist"
                write.tell(Warned(reason="DeleteHooksSkipped", message=told))
        if refused := self.ports.inventory.forbidden(stored.app, project, [task.key for task in tasks]):
            raise InvalidSpec("; ".join(refused.values()), hint="permit the hook's object in the project")
        live, health = self.ports.inventory.seen([task.key for task in tasks])
        step = run_step(phase, tasks, live, health)
        if isinstance(step, AllGone):
            ended = [moved(result_of(task, ResultCode.SYNCED, "ended well"), SUCCEEDED) for task in tasks]
            write.tell(*hooks_ran(phase.value, ended))
            # Whoever goes on after a restart has to know their kinds.
            lines = [_line(task) for task in tasks]
            write.set("resources", [*(r for r in stored.status.resources if r not in lines), *lines])
        return step

    def _clean_up(self, stored: StoredApplication, phase: DeletePhase) -> DeleteHookStep:
        unseen = self.ports.cluster.unwatched() & {
            GroupKind(r.group, r.kind) for r in stored.status.resources if r.hook
        }
        if unseen:
            # That nothing of a kind is seen says nothing of it.
            return DeletionWait(message=f"{', '.join(map(str, unseen))} cannot be listed", after=RECHECK)
        inventory = self.ports.inventory
        managed = inventory.managed(stored)
        forbidden = inventory.forbidden(stored.app, self.ports.applications.project_of_stored(stored), managed)
        _, health = inventory.seen(list(managed))
        return cleanup_step(phase, _run_of(stored), managed.values(), health, forbidden)

    async def _perform(
        self, stored: StoredApplication, write: ApplicationWrite, phase: DeletePhase, step: HookStep
    ) -> Requeue:
        try:
            account = self.ports.account(stored.app, DELETING_AS)
        except InvalidSpec as error:
            write.conditions([(FAILED, str(error))])
            return Requeue.after(RECHECK)
        performed = await self.ports.perform(step, account)
        write.tell(*hooks_ran(phase.value, performed.results))
        problems = [step.failed] if step.failed else [_refusal(phase, r) for r in performed.results if _is_refused(r)]
        write.conditions([(FAILED, problem) for problem in problems] or [(WAITS, step.message)])
        for problem in problems:
            if write.is_news(FAILED, problem):
                write.tell(Warned(reason=FAILED, message=problem))
        if not problems:
            return Requeue.after(step.settles_in)
        before = self._failures.get(stored.key)
        count = before.count + 1 if before else 1
        pause = backoff(count + 2)
        self._failures[stored.key] = _Failures(count, self.ports.clock.now(), pause)
        return Requeue.after(pause)

    def _pause(self, key: str) -> float:
        """Seconds to wait before hooks that failed are tried again."""
        last = self._failures.get(key)
        return rest_of(last.pause, last.at, self.ports.clock.now()) if last else 0.0

    async def _unreadable(
        self, stored: StoredApplication, write: ApplicationWrite, stage: DeletionStage, error: TrueupError
    ) -> Requeue:
        """Nobody knows the hooks. What comes after them waits, for the repository or for a person."""
        now = self.ports.clock.now()
        told_at = next((c.last_transition_time for c in stored.status.conditions if c.type == FAILED), None)
        since = past_time(told_at, now) or now
        if skips_unreadable(stage, stored.app.metadata.finalizers, (now - since).total_seconds()):
            write.tell(Warned(reason="DeleteHooksSkipped", message=f"{stage.phase.value} hooks: {error}"))
            return await self._over(stored, write, stage)
        told = f"{stage.phase.value} hooks are not known: {error}; to go on without them remove the finalizer"
        write.conditions([(FAILED, f"{told} {stage.finalizer}")])
        if write.is_news(FAILED, told):
            write.tell(Warned(reason=FAILED, message=str(error)))
        for repository in stored.app.spec.repositories():
            self.ports.repositories.request(repository, stored.key)
        return Requeue.after(RECHECK)

    async def _over(self, stored: StoredApplication, write: ApplicationWrite, stage: DeletionStage) -> Requeue:
        self.forget(stored.key)
        left = [name for name in stored.app.metadata.finalizers if name != stage.finalizer]
        write.finalizers(left)
        write.conditions([])
        if not left:
            write.tell(*await self._resuming.deletion(stored, ()), Deleted())
        return Requeue.after(0.0)


class _Failures(msgspec.Struct, frozen=True):
    """How often hooks have failed in a row, when they last did, and for how many seconds they wait since."""

    count: int
    at: datetime
    pause: float


def _run_of(stored: StoredApplication) -> Run:
    """The run of the hooks of a deletion. Its revision is the last one compared: it stays while Git goes on."""
    sync = stored.status.sync
    revision = (sync.revision or next(iter(sync.revisions), "")) if sync else ""
    return Run(revision=revision, started_at=stored.app.metadata.deletion_timestamp or "")


def _line(task: RunHookTask) -> ResourceStatus:
    key = task.key
    version = version_of(task.manifest.api_version)
    return ResourceStatus(
        group=key.group, version=version, kind=key.kind, namespace=key.namespace, name=key.name, hook=True
    )


def _is_refused(result: ResourceResult) -> bool:
    return result.status == ResultCode.SYNC_FAILED.value


def _refusal(phase: DeletePhase, result: ResourceResult) -> str:
    place = f"{result.namespace}/{result.name}" if result.namespace else result.name
    return f"{phase.value} hook {result.kind} {place}: {result.message}"
