"""Manifests, facts and a toy cluster for the tests of the planner: plain values, no Kubernetes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kubegrammar.json import digest
from trueup.model.annotations import HOOK, HOOK_DELETE_POLICY, HOOK_FINALIZER, SYNC_OPTIONS, SYNC_WAVE
from trueup.model.application import Operation, OperationInitiator, Retry, SyncOperation
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey, group_of
from trueup.model.status import (
    OperationPhase,
    OperationState,
    ResourceResult,
    ResultCode,
    SyncCode,
    SyncOperationResult,
)
from trueup.plan.delete_hooks import HookStep
from trueup.plan.deletion import DeletionStep
from trueup.plan.facts import Facts
from trueup.plan.hooks import hook_keys
from trueup.plan.options import Options
from trueup.plan.record import advance
from trueup.plan.results import result_of
from trueup.plan.step import next_step
from trueup.plan.task import (
    ApplyTask,
    CreateNamespaceTask,
    DeleteHookTask,
    Finish,
    PruneTask,
    ReleaseHookTask,
    RunHookTask,
    SkipPruneTask,
    Step,
    Wait,
)

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REVISION = "0123456789abcdef0123456789abcdef01234567"
NAMESPACE = "shop"
CLUSTER_KINDS = frozenset({"Namespace", "CustomResourceDefinition", "ClusterRole"})
API_VERSIONS = {
    "Namespace": "v1",
    "ConfigMap": "v1",
    "Secret": "v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "Widget": "example.com/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}


def manifest(
    kind: str,
    name: str,
    *,
    wave: int | str | None = None,
    hook: str = "",
    policy: str = "",
    options: str = "",
    namespace: str = NAMESPACE,
    api_version: str = "",
    generate_name: str = "",
    annotations: Mapping[str, str] | None = None,
    spec: dict[str, Any] | None = None,
) -> Manifest:
    """A manifest with the annotations the planner reads."""
    named = dict(annotations or {})
    for key, value in ((SYNC_WAVE, wave), (HOOK, hook), (HOOK_DELETE_POLICY, policy), (SYNC_OPTIONS, options)):
        if value not in (None, ""):
            named[key] = str(value)
    version = api_version or API_VERSIONS[kind]
    space = "" if kind in CLUSTER_KINDS else namespace
    metadata: dict[str, Any] = {"annotations": named}
    metadata |= {"generateName": generate_name} if generate_name else {"name": name}
    if space:
        metadata["namespace"] = space
    body = msgspec.json.encode({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec or {}})
    return Manifest(
        key=ResourceKey(group_of(version), kind, space, "" if generate_name else name),
        api_version=version,
        body=body,
        digest=digest(body),
        annotations=named,
        generate_name=generate_name,
    )


def definition(group: str, kind: str, **more: Any) -> Manifest:
    """A CustomResourceDefinition."""
    spec = {"group": group, "names": {"kind": kind}}
    return manifest("CustomResourceDefinition", f"{kind.lower()}s.{group}", spec=spec, **more)


def live_of(wanted: Manifest, *, version: int = 1, uid: str = "", **more: Any) -> LiveObject:
    """The live object of a manifest."""
    fields: dict[str, Any] = {"annotations": wanted.annotations, "body": wanted.body, "generation": 1} | more
    return LiveObject(
        key=wanted.key,
        api_version=wanted.api_version,
        uid=uid or f"uid-{wanted.key.name}",
        resource_version=str(version),
        **fields,
    )


def state(
    *,
    prune: bool = False,
    automated: bool = False,
    retry: Retry | None = None,
    results: Iterable[ResourceResult] = (),
    phase: OperationPhase = OperationPhase.RUNNING,
    finished_at: str | None = None,
    retry_count: int = 0,
    **sync: Any,
) -> OperationState:
    """A running operation."""
    return OperationState(
        operation=Operation(
            sync=SyncOperation(prune=prune, **sync),
            initiated_by=OperationInitiator(automated=automated),
            retry=retry,
        ),
        phase=phase,
        started_at="2026-01-02T03:04:05Z",
        sync_result=SyncOperationResult(resources=list(results), revision=REVISION),
        finished_at=finished_at,
        retry_count=retry_count,
    )


def compared(
    targets: Sequence[Manifest] = (), extra: Sequence[LiveObject] = (), live: Mapping[ResourceKey, LiveObject] = {}
) -> Comparison:
    """A comparison of targets (hooks sorted out) and of live objects that Git no longer has."""
    plain = [target for target in targets if HOOK not in target.annotations]
    pairs = [
        ComparedResource(key=target.key, target=target, live=live.get(target.key), status=SyncCode.OUT_OF_SYNC)
        for target in plain
    ]
    pairs += [
        ComparedResource(key=found.key, target=None, live=found, status=SyncCode.OUT_OF_SYNC, requires_pruning=True)
        for found in extra
    ]
    return Comparison(
        status=SyncCode.OUT_OF_SYNC,
        resources=tuple(sorted(pairs, key=lambda pair: pair.key)),
        hooks=tuple(target for target in targets if HOOK in target.annotations),
        revisions=(REVISION,),
    )


def facts(
    targets: Sequence[Manifest] = (),
    extra: Sequence[LiveObject] = (),
    *,
    live: Sequence[LiveObject] = (),
    health: Mapping[str, HealthCode | None] | None = None,
    options: Sequence[str] = (),
    **more: Any,
) -> Facts:
    """Facts about a cluster that serves everything. ``health`` is by object name."""
    found = {item.key: item for item in (*live, *extra)}
    verdicts = {key: Health(code) if (code := (health or {}).get(key.name)) is not None else None for key in found}
    given: dict[str, Any] = {"serves": lambda api_version, kind: True} | more
    return Facts(
        comparison=compared(targets, extra, found),
        live=found,
        health=verdicts,
        options=Options(frozenset(options)),
        destination_namespace=NAMESPACE,
        **given,
    )


class ToyCluster:
    """Applies, prunes and runs hooks in memory. Jobs and Deployments need ``slowness`` looks to become healthy."""

    def __init__(
        self,
        targets: Sequence[Manifest],
        extra: Sequence[LiveObject] = (),
        *,
        failing: Iterable[str] = (),
        refusing: Iterable[str] = (),
        slowness: int = 1,
        options: Sequence[str] = (),
    ) -> None:
        self.targets, self.options, self.slowness = list(targets), list(options), slowness
        self.failing, self.refusing = frozenset(failing), frozenset(refusing)
        self.objects: dict[ResourceKey, LiveObject] = {found.key: found for found in extra}
        self.pruned: list[ResourceKey] = []
        self.created: list[ResourceKey] = []
        self.written: list[ResourceKey] = []
        self.order: list[tuple[str, ResourceKey]] = []
        self.version = 1000
        self._age: dict[str, int] = {}

    def observe(self, running: OperationState) -> Facts:
        """The facts of a pass; objects grow older with every look."""
        wanted = {target.key for target in self.targets}
        hooks = hook_keys(running, compared(self.targets))
        extra = [found for key, found in self.objects.items() if key not in wanted | hooks and key.kind != "Namespace"]
        seen = facts(self.targets, extra, live=list(self.objects.values()), options=self.options, wave_delay=0.0)
        self.look()
        health = {key: self.health_of(found) for key, found in self.objects.items()}
        return msgspec.structs.replace(seen, health=health)

    def look(self) -> None:
        """Every object grows older with it."""
        for found in self.objects.values():
            self._age[found.uid] = self._age.get(found.uid, 0) + 1

    def perform(self, step: Step | DeletionStep | HookStep) -> list[ResourceResult]:
        """What the cluster makes of a step."""
        tasks = step.cleanup if isinstance(step, Finish) else getattr(step, "tasks", ())
        return [result for task in sorted(tasks, key=lambda task: task.stage) if (result := self._do(task))]

    def _do(self, task: Any) -> ResourceResult | None:
        key = task.key
        match task:
            case ApplyTask() | CreateNamespaceTask() | RunHookTask():
                if key.name in self.refusing:
                    return result_of(task, ResultCode.SYNC_FAILED, f"{key} refused")
                self.order.append(("write", key))
                self._store(task.manifest, hook=isinstance(task, RunHookTask))
                return result_of(task, ResultCode.SYNCED, "created")
            case PruneTask():
                self.order.append(("prune", key))
                if self.objects.pop(key, None):
                    self.pruned.append(key)
                return result_of(task, ResultCode.PRUNED, "pruned")
            case SkipPruneTask():
                return result_of(task, ResultCode.PRUNE_SKIPPED, task.reason)
            case DeleteHookTask():
                found = self.objects.get(key)
                if found is not None and found.uid == task.uid:
                    del self.objects[key]
            case ReleaseHookTask():
                found = self.objects.get(key)
                if found is not None and found.uid == task.uid:
                    self.objects[key] = msgspec.structs.replace(found, finalizers=())
        return None

    def _store(self, wanted: Manifest, *, hook: bool) -> None:
        self.version += 1
        self.written.append(wanted.key)
        before = self.objects.get(wanted.key)
        if before is None:
            self.created.append(wanted.key)
        elif hook and before.annotations == wanted.annotations:
            return  # the same run: the server says that it already exists
        uid = before.uid if before else f"uid-{self.version}"
        finalizers = (HOOK_FINALIZER,) if hook else ()
        self.objects[wanted.key] = live_of(wanted, version=self.version, uid=uid, finalizers=finalizers)

    def health_of(self, found: LiveObject) -> Health | None:
        if found.key.kind not in ("Job", "Deployment"):
            return None
        if self._age.get(found.uid, 0) <= self.slowness:
            return Health(HealthCode.PROGRESSING)
        return Health(HealthCode.DEGRADED if found.key.name in self.failing else HealthCode.HEALTHY)


def run(
    cluster: ToyCluster,
    running: OperationState,
    *,
    replay: Iterable[int] = (),
    lose: Iterable[int] = (),
    passes: int = 400,
) -> OperationState:
    """Drives an operation to its end.

    Args:
        replay: numbers of passes whose step is carried out twice.
        lose: numbers of passes whose results are never recorded.
    """
    twice, lost = frozenset(replay), frozenset(lose)
    now = START
    for number in range(passes):
        step = next_step(running, cluster.observe(running), now)
        outcomes = cluster.perform(step)
        if number in twice:
            outcomes = cluster.perform(step)
        if number not in lost:
            running = advance(running, step, outcomes, now)
        if running.phase.completed:
            return running
        now += timedelta(seconds=step.after if isinstance(step, Wait) else 1.0)
    raise AssertionError(f"no end after {passes} passes: {running.message}")
