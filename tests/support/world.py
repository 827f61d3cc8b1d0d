"""Reconcilers of applications in a world of plain values, in which time passes by itself.

The ports are filled in memory: an API server that is a dictionary, a cluster that is another, repositories that are
always read. What is due next is done next, and the clock is set to when that is: nothing waits, and an hour is over in
milliseconds.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from tests.support.logs import logged
from tests.support.plans import NAMESPACE, REVISION, START, ToyCluster, compared

from kubegrammar.patch import merge_patch
from trueup.apply.perform import Performed
from trueup.controllers.application import ApplicationReconciler
from trueup.controllers.ports import Ports
from trueup.controllers.telling.audit import Audit
from trueup.controllers.telling.events import EventReader
from trueup.controllers.telling.log import LogReader
from trueup.controllers.telling.stream import ChangeStream
from trueup.controllers.wake import Wakes
from trueup.controllers.woken import Woken
from trueup.kube.errors import ApiError, Conflict, NotFound
from trueup.kube.object import read_object
from trueup.model.annotations import AGENT
from trueup.model.application import Application, Destination, Source
from trueup.model.audit import Action, AuditRecord
from trueup.model.changed import LastChange
from trueup.model.errors import InvalidSpec, TrueupError, Waiting
from trueup.model.health import Health, HealthCode
from trueup.model.hooks import delete_phases
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.resource import GroupKind, ResourceKey, group_of
from trueup.model.share import Urgency
from trueup.model.status import OperationState, SyncCode
from trueup.observe.observation import Observation
from trueup.plan.delete_hooks import HookStep
from trueup.plan.deletion import DeletionStep
from trueup.plan.hooks import hook_keys
from trueup.plan.options import Options as SyncOptions
from trueup.plan.task import Step
from trueup.runtime.outcome import Requeue
from trueup.store.applications import Applications, StoredApplication
from trueup.store.definers import Definers
from trueup.store.settings import Settings
from trueup.store.writing import Writes

CONTROL = "argocd"
KEY = f"{CONTROL}/web"
Json = dict[str, Any]


def application(**spec: Any) -> Json:
    """An Application that is synced by itself, unless its specification says otherwise."""
    own: Json = {
        "project": "default",
        "source": {"repoURL": "https://git.example/x", "path": "."},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web", "namespace": CONTROL},
        "spec": own | spec,
    }


def project(name: str = "default") -> Json:
    """A project that permits everything."""
    anything = [{"group": "*", "kind": "*"}]
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": anything,
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": CONTROL},
        "spec": spec,
    }


_STATUS: Json = {"f:status": {"f:operationState": {"f:phase": {}}}}


class Server:
    """Objects by their keys, each with a version.

    Attributes:
        patches: those of the engine, in their order.
        refusing: raised instead of storing a patch, where there is one.
        refuses: which patches that is for.
        changed: told of every change.
    """

    def __init__(self) -> None:
        self.objects: dict[ResourceKey, LiveObject] = {}
        self.patches: list[Json] = []
        self.refusing: Exception | None = None
        self.refuses: Callable[[Json], bool] = lambda _: True
        self.changed: Callable[[LiveObject | None, LiveObject | None], None] = lambda _old, _new: None
        self._versions = itertools.count(1)

    def get(self, key: ResourceKey) -> LiveObject | None:
        return self.objects.get(key)

    def of_kind(self, kind: GroupKind) -> list[LiveObject]:
        return [live for live in self.objects.values() if live.group_kind == kind]

    def put(self, body: Json) -> LiveObject:
        metadata = body["metadata"]
        key = ResourceKey(group_of(body["apiVersion"]), body["kind"], metadata.get("namespace", ""), metadata["name"])
        before = self.objects.get(key)
        stored = {
            **body,
            "metadata": {"uid": f"uid-{key.name}", **metadata, "resourceVersion": str(next(self._versions))},
        }
        live = read_object(msgspec.json.encode(stored))
        if live.deletion_timestamp and not live.finalizers:
            self.objects.pop(key, None)
            self.changed(before, None)
        else:
            self.objects[key] = live
            self.changed(before, live)
        return live

    async def __call__(self, key: ResourceKey, patch: bytes) -> LiveObject:
        """What the engine writes."""
        wanted: Json = msgspec.json.decode(patch)
        if self.refusing is not None and self.refuses(wanted):
            raise self.refusing
        found = self.objects.get(key)
        error: ApiError | None = None
        if found is None:
            error = NotFound(f"{key} not found", code=404)
        elif wanted.get("metadata", {}).get("resourceVersion", found.resource_version) != found.resource_version:
            error = Conflict(f"{key} was changed", code=409)
        if error is not None or found is None:
            assert error is not None
            error.key = key
            raise error
        self.patches.append(wanted)
        after = merge_patch(found.object(), wanted)
        after["metadata"]["managedFields"] = [{"manager": AGENT, "fieldsV1": _STATUS, "time": "2026-01-02T03:04:05Z"}]
        return self.put(after)


class Looking:
    """Repositories that have been read when somebody asks.

    Attributes:
        problem: why none of them can be read at present.
    """

    def __init__(self, wake: Callable[[str], None]) -> None:
        self.looks, self._wake = 1, wake
        self.problem: TrueupError | None = None

    def begun(self, repository: str | RepositoryOf) -> int:
        return self.looks

    def ended(self, repository: str | RepositoryOf) -> int:
        return self.looks

    def error(self, repository: str | RepositoryOf) -> TrueupError | None:
        return self.problem

    def resting(self, repository: str | RepositoryOf) -> bool:
        return False

    def polls(self, repository: str | RepositoryOf) -> bool:
        return True

    def request(self, repository: str | RepositoryOf, app: str, urgency: Urgency = Urgency.PERSON) -> None:
        self.looks += 1
        self._wake(app)

    def was_told(self, repository: str | RepositoryOf, commit: str) -> bool:
        return False

    def need(self, repository: str | RepositoryOf, app: str) -> None:
        self._wake(app)

    def look_once_more(self, repository: str | RepositoryOf) -> None: ...


class Trail:
    """The audit trail in memory."""

    def __init__(self) -> None:
        self.entries: list[AuditRecord] = []
        self.intents: dict[str, list[AuditRecord]] = {}

    async def write(self, *entries: AuditRecord, settles: str = "") -> list[int]:
        given = range(len(self.entries) + 1, len(self.entries) + len(entries) + 1)
        self.entries += [msgspec.structs.replace(each, id=number) for each, number in zip(entries, given, strict=True)]
        self.intents.pop(settles, None)
        return list(given)

    async def intend(self, application: str, intents: Sequence[AuditRecord]) -> None:
        self.intents[application] = list(intents)

    async def intended(self, application: str) -> list[AuditRecord]:
        return self.intents.get(application, [])

    async def latest(self, application: str) -> list[AuditRecord]:
        return [each for each in reversed(self.entries) if each.application == application]

    async def last_operation(self, application: str) -> AuditRecord | None:
        of = (Action.STARTED, Action.FINISHED)
        return next((e for e in reversed(self.entries) if e.application == application and e.action in of), None)


class Seeing:
    """Observations of a toy cluster.

    Attributes:
        raising: raised by whatever is asked, where there is one.
        revision: what Git declares now.
        folder: names the files that it is made of; empty where nothing does.
        asked: how often somebody has looked.
        changed: the commit that changed it, where that is known.
    """

    def __init__(self, cluster: ToyCluster) -> None:
        self.cluster, self.revision, self.folder = cluster, REVISION, "folder 1"
        self.raising: Exception | None = None
        self.changed: LastChange | None = None
        self.asked = 0

    async def observe(
        self,
        stored: StoredApplication,
        project: Project,
        *,
        sources: Sequence[Source] = (),
        revisions: Sequence[str] = (),
        fresh: bool = False,
        options: SyncOptions | None = None,
    ) -> Observation:
        self.asked += 1
        return self._compared(tuple(revisions) or (self.revision,))

    async def brought(
        self, stored: StoredApplication, project: Project, manifests: Sequence[str], options: SyncOptions
    ) -> Observation:
        return self._compared(())

    def _compared(self, revisions: tuple[str, ...]) -> Observation:
        self._fail()
        self.cluster.look()
        found = dict(self.cluster.objects)
        wanted = {target.key for target in self.cluster.targets}
        extra = [live for key, live in found.items() if key not in wanted]
        comparison = compared(self.cluster.targets, extra, found)
        resources = tuple(
            msgspec.structs.replace(each, status=SyncCode.SYNCED)
            if each.live is not None and each.target is not None and each.live.body == each.target.body
            else each
            for each in comparison.resources
        )
        synced = all(each.status is SyncCode.SYNCED for each in resources)
        verdicts = {key: self.cluster.health_of(live) for key, live in found.items()}
        codes = {verdict.status for verdict in verdicts.values() if verdict}
        worst = next(
            (code for code in (HealthCode.DEGRADED, HealthCode.PROGRESSING) if code in codes), HealthCode.HEALTHY
        )
        return Observation(
            comparison=msgspec.structs.replace(
                comparison,
                resources=resources,
                revisions=revisions,
                status=SyncCode.SYNCED if synced else SyncCode.OUT_OF_SYNC,
            ),
            live=found,
            health=verdicts,
            content="".join(target.digest for target in self.cluster.targets),
            vitals=Health(worst),
            refused={},
            warnings=(),
            forbids=lambda _key: "",
            changed=self.changed,
        )

    def _fail(self) -> None:
        if self.raising is not None:
            raise self.raising

    async def content(self, stored: StoredApplication, project: Project, revisions: Sequence[str]) -> str:
        return "".join(target.digest for target in self.cluster.targets)

    async def delete_hooks(self, stored: StoredApplication, project: Project) -> list[Manifest]:
        self._fail()
        return [target for target in self.cluster.targets if delete_phases(target.annotations)]

    async def watch_known(self, stored: StoredApplication) -> None:
        self._fail()

    def resolve(self, app: Application, sources: Sequence[Source], revisions: Sequence[str]) -> tuple[str, ...]:
        return tuple(revisions) or (self.revision,)

    def made_of(self, stored: StoredApplication, revisions: Sequence[str]) -> tuple[str, ...]:
        return (self.folder,) if self.folder else ()

    def elsewhere(self, key: str, *, moving: bool) -> list[RepositoryOf]:
        return []

    def with_hooks(self, seen: Observation, state: OperationState) -> Observation:
        keys = hook_keys(state, seen.comparison) & self.cluster.objects.keys()
        more = {key: self.cluster.objects[key] for key in keys}
        health = {key: self.cluster.health_of(live) for key, live in more.items()}
        return msgspec.structs.replace(seen, live={**seen.live, **more}, health={**seen.health, **health})

    def seen(
        self, keys: Sequence[ResourceKey]
    ) -> tuple[dict[ResourceKey, LiveObject], dict[ResourceKey, Health | None]]:
        self.cluster.look()
        found = {key: self.cluster.objects[key] for key in keys if key in self.cluster.objects}
        return found, {key: self.cluster.health_of(live) for key, live in found.items()}

    def managed(self, stored: StoredApplication) -> Mapping[ResourceKey, LiveObject]:
        return dict(self.cluster.objects)

    def marked(self, key: str) -> Mapping[ResourceKey, LiveObject]:
        return dict(self.cluster.objects)

    def forbidden(
        self, app: Application, project: Project | None, keys: Iterable[ResourceKey]
    ) -> dict[ResourceKey, str]:
        return {}

    def forget(self, key: str) -> None: ...


class Place:
    """The only cluster there is."""

    server, confined = "https://kubernetes.default.svc", False

    def serves(self, api_version: str, kind: str) -> bool:
        return True

    def unwatched(self) -> frozenset[GroupKind]:
        return frozenset()


class World:
    """One engine, its applications and its time.

    Attributes:
        events: (reason, message, whether it is a warning) of the Events, in their order.
        log: what the passes logged.
    """

    def __init__(self, *targets: Manifest, app: Json | None = None) -> None:
        self.time = START
        self.server, self.trail = Server(), Trail()
        self.server.put(project())
        self.cluster = ToyCluster(targets)
        self.seeing = Seeing(self.cluster)
        self.looking = Looking(self.wake)
        self.events: list[tuple[str, str, bool]] = []
        self.log: list[Any] = []
        self.passes: list[tuple[datetime, Requeue]] = []
        self.woken = Woken()
        self._due: list[tuple[datetime, int, str]] = []
        self._numbers = itertools.count()
        self.interrupting: ApiError | None = None
        self.nowhere: InvalidSpec | None = None
        self.out_of_reach: Waiting | None = None
        self.reconciler = self._begin()
        if app is not None:
            self.server.put(app)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def record(self, about: LiveObject, reason: str, message: str, *, now: datetime, warning: bool = False) -> None:
        """An Event."""
        self.events.append((reason, message, warning))

    def take_over(self) -> None:
        """Another engine goes on, which remembers nothing and has the same trail."""
        self._due.clear()
        self.reconciler = self._begin()
        for key in self.applications.names():
            self.wake(key)

    def _begin(self) -> ApplicationReconciler:
        self.applications = Applications(self.server, CONTROL)
        wakes = Wakes(
            self.applications, Definers(self.applications.stored), add=self.change, add_project=lambda _name: None
        )
        self.server.changed = wakes.changed

        audit = Audit(self.trail)
        return ApplicationReconciler(
            Ports(
                clock=self,
                settings=Settings,
                applications=self.applications,
                writes=Writes(self.server, self, ChangeStream(audit, LogReader(), EventReader(self, self.now))),
                repositories=self.looking,
                observer=self.seeing,
                inventory=self.seeing,
                cluster=Place(),
                place=self.place,
                reach=self.reach,
                perform=self.perform,
                audit=audit,
                describe=lambda *_: None,
                woken=self.woken,
            )
        )

    def place(self, app: Application) -> Destination:
        if self.nowhere is not None:
            raise self.nowhere
        return msgspec.structs.replace(app.spec.destination, name="in-cluster")

    def reach(self, app: Application) -> None:
        if self.out_of_reach is not None:
            raise self.out_of_reach

    async def perform(self, step: Step | DeletionStep | HookStep, account: str = "") -> Performed:
        if self.interrupting is not None:
            return Performed(interrupted=self.interrupting)
        return Performed(results=tuple(self.cluster.perform(step)))

    def change(self, key: str = KEY) -> None:
        """Something that an application is compared with is another."""
        self.woken.by_change(key)
        self.wake(key)

    def commit(self, revision: str, *, folder: str = "", key: str = KEY) -> None:
        """A commit, of other files where a folder is named, is seen."""
        self.seeing.revision, self.seeing.folder = revision, folder or self.seeing.folder
        self.woken.by_news(key)
        self.wake(key)

    def wake(self, key: str, after: float = 0.0) -> None:
        """Have an application reconciled, the sooner of two times."""
        due = self.time + timedelta(seconds=after)
        if not any(known == key and at <= due for at, _, known in self._due):
            self._due = [each for each in self._due if each[2] != key]
            heapq.heappush(self._due, (due, next(self._numbers), key))

    async def run(self, seconds: float) -> None:
        """Do what is due in these seconds."""
        end = self.time + timedelta(seconds=seconds)
        while self._due and self._due[0][0] <= end:
            self.time, _, key = heapq.heappop(self._due)
            with logged() as lines:
                requeue = await self.reconciler.reconcile(key)
            self.log += lines
            self.passes.append((self.time, requeue))
            assert len(self.passes) < 10_000, "it does not come to rest"
            if requeue.seconds is not None:
                self.wake(key, max(requeue.seconds, 0.001))
        self.time = end

    def waits(self, key: str = KEY) -> float | None:
        """Seconds until an application is looked at though nothing wakes it; None for never."""
        return next(((at - self.time).total_seconds() for at, _, each in self._due if each == key), None)

    def body(self, key: str = KEY) -> Json:
        """An Application as it is stored."""
        live = self.applications.live(key)
        assert live is not None
        return live.object()

    def status(self, key: str = KEY) -> Json:
        found: Json = self.body(key).get("status") or {}
        return found

    def conditions(self, key: str = KEY) -> dict[str, str]:
        """Messages by type."""
        return {each["type"]: each["message"] for each in self.status(key).get("conditions") or []}

    def edit(self, patch: Json, key: str = KEY) -> None:
        """Somebody changes an Application; None removes a field."""
        self.server.put(merge_patch(self.body(key), patch))
