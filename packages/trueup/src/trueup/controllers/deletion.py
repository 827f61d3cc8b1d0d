"""The end of an Application: hooks, the cascade, hooks, one step a pass."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from trueup.controllers.delete_hooks import DeleteHooks
from trueup.controllers.facts import approved
from trueup.controllers.ports import DELETING_AS, SHORTEST_REST, Ports
from trueup.controllers.resuming import Resuming
from trueup.controllers.steps import removed
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.progress import Deleted, Pruned, Warned
from trueup.model.resource import ResourceKey
from trueup.model.status import ResultCode
from trueup.plan.delete_hooks import stage_of
from trueup.plan.deletion import AllGone, Delete, DeletionStep, DeletionWait, deletion_step, propagation_of, release
from trueup.plan.held import HELD, HELD_AFTER, Held, held, told
from trueup.plan.task import ReleaseHookTask
from trueup.runtime.outcome import Requeue
from trueup.store.applications import StoredApplication
from trueup.store.write import ApplicationWrite

log = structlog.get_logger("trueup.application")


class Deletion:
    """Takes applications away.

    Args:
        gone: told of each (its key) that is not there any more.
    """

    def __init__(self, ports: Ports, resuming: Resuming, gone: Callable[[str], None]) -> None:
        self._ports, self._resuming, self._gone = ports, resuming, gone
        self._hooks = DeleteHooks(ports, resuming)

    def forget(self, key: str) -> None:
        """An application is gone."""
        self._hooks.forget(key)

    async def advance(self, stored: StoredApplication, write: ApplicationWrite) -> Requeue:
        """Hooks, the cascade, hooks, one step a pass; without our finalizers the application just goes."""
        app, inventory = stored.app, self._ports.inventory
        try:
            self._ports.place(app)
        except InvalidSpec as error:
            return await self._nowhere(stored, write, error)
        self._ports.reach(app)
        await inventory.watch_known(stored)
        if stage := stage_of(app.metadata.finalizers):
            return await self._hooks.advance(stored, write, stage)
        managed = inventory.managed(stored)
        forbidden, unjudged = self._forbidden(stored, managed)
        now = self._ports.clock.now()
        step = deletion_step(app, managed, now, forbidden=frozenset(forbidden), approved_at=approved(app))
        if unjudged is not None and (going := _deleting(step)):
            return await self._unjudged(stored, write, unjudged, going)
        if isinstance(step, AllGone) and not propagation_of(app.metadata.finalizers):
            return await self._kept(stored, write, held([stored.live], now))
        if isinstance(step, AllGone):
            left = [name for name in app.metadata.finalizers if not propagation_of([name])]
            write.finalizers(left)
            if stage_of(left):
                write.conditions([])
                return Requeue.after(0.0)
            write.tell(*await self._resuming.deletion(stored, ()), Deleted())
            await write.hand_on()
            self._gone(stored.key)
            return Requeue.never()
        if isinstance(step, DeletionWait):
            if step.consent:
                write.conditions([(HELD, step.message)])
            elif step.held:
                await self._kept(stored, write, step.held)
            return Requeue.after(step.after)
        try:
            account = self._ports.account(app, DELETING_AS)
        except InvalidSpec as error:
            write.conditions([("DeletionError", str(error))])
            return Requeue.after(SHORTEST_REST)
        if resumed := await self._resuming.deletion(stored, managed):
            write.tell(*resumed)
            await write.hand_on()
        meant = write.told(*(Pruned(key=task.key, result="Pruned") for task in step.tasks))
        await self._ports.audit.intend(stored.key, meant)
        performed = await self._ports.perform(step, account)
        write.tell(*removed(performed.results))
        refused = [result for result in performed.results if result.status == ResultCode.SYNC_FAILED.value]
        write.conditions([("DeletionError", f"{r.kind} {r.name}: {r.message}") for r in refused])
        return Requeue.after(step.settles_in)

    async def _nowhere(self, stored: StoredApplication, write: ApplicationWrite, error: InvalidSpec) -> Requeue:
        """There is no cluster to take anything from, or to run hooks on: the application goes alone (as Argo CD)."""
        log.warning("deleted without its objects", application=stored.key, reason=str(error))
        names = stored.app.metadata.finalizers
        write.finalizers([name for name in names if not propagation_of([name]) and not stage_of([name])])
        write.tell(*await self._resuming.deletion(stored, ()), Deleted())
        await write.hand_on()
        self._gone(stored.key)
        return Requeue.never()

    def _forbidden(
        self, stored: StoredApplication, managed: Mapping[ResourceKey, LiveObject]
    ) -> tuple[dict[ResourceKey, str], InvalidSpec | None]:
        """The objects that the project does not permit; or why there is no project to say so."""
        try:
            project = self._ports.applications.project_of_stored(stored)
        except InvalidSpec as error:
            return {}, error
        return self._ports.inventory.forbidden(stored.app, project, managed), None

    async def _unjudged(
        self, stored: StoredApplication, write: ApplicationWrite, error: InvalidSpec, going: Sequence[ResourceKey]
    ) -> Requeue:
        """Without a project nothing may be deleted; and who asked for a cascade does not find half of one."""
        more = f" and {len(going) - 1} more" if len(going) > 1 else ""
        message = (
            f"{error.message}, so that {going[0]}{more} may not be deleted: create or correct the AppProject, or let "
            f"the objects stay by `trueup app delete {stored.app.metadata.name} --no-cascade`"
        )
        write.conditions([(HELD, message)])
        self._tell_held(stored, write, message)
        # The watch tells of a new project, but not whose a specification is that cannot be read.
        return Requeue.after(SHORTEST_REST)

    async def _kept(self, stored: StoredApplication, write: ApplicationWrite, kept: tuple[Held, ...]) -> Requeue:
        """What is left waits for finalizers of others: told once it lasts."""
        if not kept:
            return Requeue.after(HELD_AFTER)
        message = told(kept)
        write.conditions([(HELD, message)])
        self._tell_held(stored, write, message)
        return Requeue.after(self._ports.rest())

    def _tell_held(self, stored: StoredApplication, write: ApplicationWrite, message: str) -> None:
        if write.is_news(HELD, message):
            log.warning("deletion held", application=stored.key, reason=message)
            write.tell(Warned(reason=HELD, message=message))

    async def gone(self, key: str) -> Requeue:
        """The application has gone without a cascade: nothing is deleted, and no hook may keep our finalizer."""
        self._gone(key)
        step = release(self._ports.inventory.marked(key).values())
        if step is None:
            return Requeue.never()
        performed = await self._ports.perform(step)
        return Requeue.after(step.settles_in) if performed.interrupted is None else Requeue.after(SHORTEST_REST)


def _deleting(step: DeletionStep) -> list[ResourceKey]:
    """The objects that a step would delete."""
    tasks = step.tasks if isinstance(step, Delete) else ()
    return [task.key for task in tasks if not isinstance(task, ReleaseHookTask)]
