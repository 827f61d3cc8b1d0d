"""Carries out a step: kinds in series, the objects of one kind in parallel."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import TypeVar

import msgspec

from trueup.apply.cluster import KIND_WAIT, Cluster, served_type
from trueup.apply.hooks import delete_hook, release_hook, run_hook
from trueup.apply.remove import delete_object
from trueup.apply.write import ObjectWriter, Written, leaves_alone
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError, Forbidden, NotFound, TooManyRequests, Unreachable
from trueup.model.annotations import RESOURCES_FINALIZER
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import ResourceResult, ResultCode
from trueup.plan.delete_hooks import HookStep
from trueup.plan.deletion import DeletionStep
from trueup.plan.kinds import NAMESPACE
from trueup.plan.order import defined_kind
from trueup.plan.results import Recordable, result_of
from trueup.plan.task import (
    Act,
    AnyTask,
    ApplyTask,
    CreateNamespaceTask,
    DeleteHookTask,
    Finish,
    PruneTask,
    ReleaseHookTask,
    RunHookTask,
    SkipPruneTask,
    Step,
    Writing,
)

PARALLEL = 16
"""Writes in flight for one step."""
_PASSING = (502, 503, 504)


Stored = tuple[Manifest, LiveObject, Writing]
_W = TypeVar("_W", Written, Written | None)


class Performed(msgspec.Struct, frozen=True):
    """What came of a step.

    Attributes:
        results: one for each task that was carried out, refused ones included.
        stored: each applied manifest with the server's own answer and the way it was written, for
            :meth:`Confirmer.seed`. The cache will not do: somebody may have changed the object since.
        interrupted: the cluster could not be asked; tasks without a result come again with the next pass.
    """

    results: tuple[ResourceResult, ...] = ()
    stored: tuple[Stored, ...] = ()
    interrupted: ApiError | None = None


async def perform(step: Step | DeletionStep | HookStep, cluster: Cluster, *, parallel: int = PARALLEL) -> Performed:
    """Carries out a step of a sync or of a deletion; a wait or a verdict without clean-up does nothing.

    What the cluster refuses is a result. What cannot be asked interrupts the step.

    Raises:
        ApiError: a verdict's clean-up was interrupted: the verdict is not to be recorded yet, or a hook's object
            would keep its finalizer for ever.
    """
    ending = isinstance(step, Finish)
    run = _Run(cluster, parallel, dry_run=isinstance(step, Act) and step.dry_run, ending=ending)
    tasks: Sequence[AnyTask] = step.cleanup if isinstance(step, Finish) else getattr(step, "tasks", ())
    run.expect(tasks)
    for group in _series(tasks):
        await asyncio.gather(*(run.carry_out(task) for task in group))
        if run.interrupted is not None:
            break
    if ending and run.interrupted is not None:
        raise run.interrupted
    return Performed(tuple(run.results), tuple(run.stored), run.interrupted)


def interrupts(error: ApiError) -> bool:
    """Whether an error says nothing about the object: no answer, overload, a proxy without a server behind it."""
    return isinstance(error, Unreachable | TooManyRequests) or error.code in _PASSING


_FINALIZER_WARNING = f'metadata.finalizers: "{RESOURCES_FINALIZER}"'
"""Kubernetes would prefer a path in the name. The name is Argo CD's: nobody can act on it, and every child has it."""


def object_message(key: ResourceKey, change: str, warnings: Iterable[str] = ()) -> str:
    """``deployment.apps/web configured``, as kubectl says it; warnings follow in brackets."""
    kind = f"{key.kind.lower()}.{key.group}" if key.group else key.kind.lower()
    told = "; ".join(text for text in warnings if not text.startswith(_FINALIZER_WARNING))
    return f"{kind}/{key.name} {change}" + (f" (warning: {told})" if told else "")


def _series(tasks: Sequence[AnyTask]) -> list[list[AnyTask]]:
    """Tasks grouped into what may run at once: by stage, then kind; prunes in the reverse order of kinds."""

    def place(task: AnyTask) -> tuple[int, int]:
        return (task.stage, task.rank if task.stage else -task.rank)

    return [list(group) for _, group in groupby(sorted(tasks, key=place), key=place)]


class _Run:
    def __init__(self, cluster: Cluster, parallel: int, *, dry_run: bool, ending: bool) -> None:
        self.cluster, self.dry_run, self.ending = cluster, dry_run, ending
        self.slots = asyncio.Semaphore(parallel)
        self.results: list[ResourceResult] = []
        self.stored: list[Stored] = []
        self.interrupted: ApiError | None = None
        self.namespaces: set[str] = set()
        self.kinds: set[GroupKind] = set()

    def expect(self, tasks: Sequence[AnyTask]) -> None:
        """Remembers what a dry run will miss because this step would create it."""
        for task in tasks:
            if isinstance(task, ApplyTask | CreateNamespaceTask) and task.manifest.group_kind == NAMESPACE:
                self.namespaces.add(task.key.name)
            if isinstance(task, ApplyTask) and (kind := defined_kind(task)):
                self.kinds.add(kind)

    async def carry_out(self, task: AnyTask) -> None:
        async with self.slots:
            if self.interrupted is not None:
                return
            try:
                await self._carry_out(task)
            except ApiError as error:
                self._failed(task, error)

    async def _carry_out(self, task: AnyTask) -> None:
        match task:
            case ApplyTask() | CreateNamespaceTask():
                await self._write(task)
            case RunHookTask():
                if not self._missing(task):
                    written = await _once_served(lambda: run_hook(task, self.cluster, dry_run=self.dry_run))
                    if written is not None:  # else an earlier object of this hook is in the way
                        self._written(task, written)
            case PruneTask():
                await delete_object(
                    self.cluster, task.key, task.api_version, task.uid, task.propagation, dry_run=self.dry_run
                )
                self._record(task, ResultCode.PRUNED, "pruned (dry run)" if self.dry_run else "pruned")
            case SkipPruneTask():
                self._record(task, ResultCode.PRUNE_SKIPPED, task.reason)
            case DeleteHookTask():
                await delete_hook(task, self.cluster)
            case ReleaseHookTask():
                await release_hook(task, self.cluster)

    async def _write(self, task: ApplyTask | CreateNamespaceTask) -> None:
        if self._missing(task):
            return
        await self.cluster.cache.whole([task.key])
        before = self.cluster.cache.get(task.key)
        if leaves_alone(before, task.writing):
            assert before is not None
            self._written(task, Written(before, "unchanged"))
            return
        type_ = await served_type(self.cluster, task.manifest, task.key)
        if isinstance(task, CreateNamespaceTask) and task.new and (found := await self._come(type_, task.key)):
            self._written(task, Written(found, "unchanged"))
            return
        writer = ObjectWriter(self.cluster, type_, task.manifest, task.writing, dry_run=self.dry_run)
        written = await _once_served(lambda: writer.write(before))
        self._written(task, written)
        if not self.dry_run and isinstance(task, ApplyTask):
            self.stored.append((task.manifest, written.live, task.writing))

    async def _come(self, type_: ResourceType, key: ResourceKey) -> LiveObject | None:
        """An object that was not there when this step was decided on, or could not be seen.

        Who may not read it writes by rights of its own, or not at all.
        """
        try:
            return await self.cluster.client.get(type_, key.namespace, key.name)
        except (NotFound, Forbidden):
            return None

    def _missing(self, task: ApplyTask | CreateNamespaceTask | RunHookTask) -> bool:
        """In a dry run: whether the object needs a namespace or a kind that only the real run would create."""
        if not self.dry_run:
            return False
        namespace = ResourceKey("", NAMESPACE.kind, "", task.key.namespace)
        lacks = task.key.namespace in self.namespaces and self.cluster.cache.known(namespace) is None
        if not lacks and task.manifest.group_kind not in self.kinds:
            return False
        self._record(task, ResultCode.SYNCED, object_message(task.key, "created (dry run, not asked)"))
        return True

    def _written(self, task: ApplyTask | CreateNamespaceTask | RunHookTask, written: Written) -> None:
        change = f"{written.change} (dry run)" if self.dry_run else written.change
        if not self.dry_run:
            self.cluster.cache.stored(written.live)
        message = object_message(task.key, change, written.warnings)
        self._record(task, ResultCode.SYNCED, message)

    def _failed(self, task: AnyTask, error: ApiError) -> None:
        if interrupts(error):
            self.interrupted = error
            return
        if isinstance(error, NotFound) and error.status_reason and self._homeless(task.key):
            error.hint = f"there is no namespace {task.key.namespace}: the sync option CreateNamespace=true makes it"
        # A verdict stands whatever its clean-up meets; an old object that cannot go keeps its hook from running.
        if not isinstance(task, ReleaseHookTask) and not self.ending:
            self._record(task, ResultCode.SYNC_FAILED, str(error))

    def _homeless(self, key: ResourceKey) -> bool:
        """Whether the namespace of an object is not there."""
        home = ResourceKey("", NAMESPACE.kind, "", key.namespace)
        return bool(key.namespace) and self.cluster.cache.known(home) is None

    def _record(self, task: Recordable, code: ResultCode, message: str) -> None:
        self.results.append(result_of(task, code, message))


async def _once_served(write: Callable[[], Awaitable[_W]]) -> _W:
    """A definition is listed a moment before its objects can be written: the plain 404 of that moment is waited out."""
    deadline = asyncio.get_running_loop().time() + KIND_WAIT
    while True:
        try:
            return await write()
        except NotFound as error:
            if error.status_reason or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)
