"""Conversations between the planner and a cluster, as a playbook has them.

The first line says what there is: ``Deployment web wave=1; Job db hook=PreSync; old ConfigMap x; prune``. Then ``<<``
is what the planner does next, and ``>>`` what happens in the cluster meanwhile. What the planner does succeeds, but for
what was ``refused`` before; passes that only write down what they have seen are no line.

    Deployment web; ConfigMap later wave=1
    << Apply(web)
    << Wait(web)
    >> healthy(web)
    << Apply(later)
    << Succeeded
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.support.plans import START, facts, live_of, manifest, state

from trueup.model.annotations import HOOK_FINALIZER
from trueup.model.application import Retry
from trueup.model.health import HealthCode
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, ResourceResult, ResultCode
from trueup.plan.facts import Facts
from trueup.plan.hooks import hook_keys
from trueup.plan.record import advance
from trueup.plan.results import result_of
from trueup.plan.step import next_step
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
    Wait,
)

VERBS: dict[type[Any], str] = {
    ApplyTask: "Apply",
    CreateNamespaceTask: "Create",
    DeleteHookTask: "Delete",
    PruneTask: "Prune",
    ReleaseHookTask: "Release",
    RunHookTask: "Run",
    SkipPruneTask: "Skip",
}
JUDGED = ("Job", "Deployment")
"""Kinds with a health: progressing until something else is said."""


class Conversation:
    """What was said so far."""

    def __init__(self, given: str) -> None:
        self.targets: list[Manifest] = []
        self.objects: dict[ResourceKey, LiveObject] = {}
        self.health: dict[str, HealthCode | None] = {}
        self.refused: set[str] = set()
        self.approved_at: datetime | None = None
        self.now = START
        self._version = 0
        words = [part.split() for part in given.split(";")]
        flags = {part[0] for part in words if len(part) == 1}
        for kind, name, *options in (part for part in words if len(part) > 1 and part[0] != "old"):
            self.targets.append(declared(kind, name, options))
        for _, kind, name, *options in (part for part in words if part[0] == "old"):
            self._store(declared(kind, name, options))
        retry = Retry(limit=1) if "retry" in flags else None
        self.running: OperationState = state(prune="prune" in flags, retry=retry)
        self._before = self.running

    def happens(self, text: str) -> None:
        """``healthy(web)``: the cluster's line."""
        what, _, rest = text.partition("(")
        names = [name.strip() for name in rest.rstrip(")").split(",")]
        match what:
            case "refused":
                self.refused |= set(names)
            case "accepted":
                self.refused -= set(names)
            case "gone":
                self.objects = {key: found for key, found in self.objects.items() if key.name not in names}
            case "approved":
                self.approved_at = self.now
            case "lost":
                # The engine ended before it could write down what it had done.
                self.running = self._before
            case "later":
                self.now += timedelta(minutes=5)
            case _:
                self.health |= dict.fromkeys(names, HealthCode(what.capitalize()))

    def answer(self) -> str:
        """The planner's line: ``Apply(a), Run(b)``, ``Wait(a)``, or how the operation ended."""
        if self.running.phase.completed:
            return str(self.running.phase)
        step = next_step(self.running, self._facts(), self.now)
        tasks = step.cleanup if isinstance(step, Finish) else step.tasks if isinstance(step, Act) else ()
        done = [self._do(task) for task in sorted(tasks, key=lambda task: task.stage)]
        self._before = self.running
        self.running = advance(self.running, step, [result for result in done if result], self.now)
        if isinstance(step, Wait) and not step.retrying and "/" not in step.message:
            return self.answer()
        if isinstance(step, Wait):
            return "Retry" if step.retrying else f"Wait({step.message.rpartition('/')[2]})"
        said = [f"{VERBS[type(task)]}({task.key.name})" for task in tasks]
        return ", ".join(said) if said else self.answer()

    def _do(self, task: AnyTask) -> ResourceResult | None:
        if isinstance(task, DeleteHookTask | PruneTask):
            self.objects.pop(task.key, None)
        if isinstance(task, DeleteHookTask | ReleaseHookTask):
            return None
        if task.key.name in self.refused:
            return result_of(task, ResultCode.SYNC_FAILED, f"{task.key.name} refused")
        match task:
            case PruneTask():
                return result_of(task, ResultCode.PRUNED, "pruned")
            case SkipPruneTask():
                return result_of(task, ResultCode.PRUNE_SKIPPED, task.reason)
        self._store(task.manifest, hook=isinstance(task, RunHookTask))
        return result_of(task, ResultCode.SYNCED, "created")

    def _store(self, wanted: Manifest, *, hook: bool = False) -> None:
        before = self.objects.get(wanted.key)
        if hook and before is not None and before.annotations == wanted.annotations:
            return  # the same run: it exists already
        self._version += 1
        finalizers = (HOOK_FINALIZER,) if hook else ()
        self.objects[wanted.key] = live_of(wanted, version=self._version, finalizers=finalizers)
        self.health[wanted.key.name] = HealthCode.PROGRESSING if wanted.key.kind in JUDGED else None

    def _facts(self) -> Facts:
        ours = {target.key for target in self.targets} | hook_keys(self.running, facts(self.targets).comparison)
        extra = [found for key, found in self.objects.items() if key not in ours]
        return facts(
            self.targets,
            extra,
            live=list(self.objects.values()),
            health=self.health,
            wave_delay=0.0,
            approved_at=self.approved_at,
        )


def declared(kind: str, name: str, options: Sequence[str]) -> Manifest:
    """A manifest by words such as ``wave=1``."""
    named: dict[str, Any] = dict(option.split("=", 1) for option in options)
    return manifest(kind, name, **named)


def differs(script: str) -> str:
    """Where a conversation goes another way than it is written; empty where it does not."""
    given, *lines = [line.strip() for line in script.strip().splitlines()]
    talk = Conversation(given)
    for number, line in enumerate(lines):
        side, _, text = line.partition(" ")
        if side == ">>":
            talk.happens(text)
        elif (said := talk.answer()) != text:
            so_far = "\n".join(lines[:number])
            return f"{given}\n{so_far}\n<< {said}\nbut it is written: {text}\n{talk.running.message}"
    return ""
