"""Validation, retry, the destination namespace, options and the cascade of a deletion."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.support.plans import NAMESPACE, START, ToyCluster, definition, facts, live_of, manifest, run, state

from trueup.model.annotations import GROUP, HELM_RESOURCE_POLICY, HOOK_FINALIZER, OPERATION_ID, RESOURCES_FINALIZER
from trueup.model.application import (
    Application,
    ApplicationSpec,
    Backoff,
    Metadata,
    NamespaceMetadata,
    Operation,
    Retry,
    SyncOperation,
    SyncOperationResource,
    SyncPolicy,
)
from trueup.model.live import LiveObject, Owner
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, ResultCode
from trueup.plan.build import build
from trueup.plan.deletion import AllGone, Delete, DeletionWait, deletion_step, propagation_of
from trueup.plan.facts import options_for
from trueup.plan.held import HELD_AFTER, Held, held, told
from trueup.plan.options import Options
from trueup.plan.record import advance
from trueup.plan.results import result_of
from trueup.plan.retry import pause, retry_in
from trueup.plan.step import next_step
from trueup.plan.task import Act, ApplyTask, CreateNamespaceTask, DeleteHookTask, Finish, ReleaseHookTask, Wait
from trueup.plan.validate import validate

WEB = manifest("ConfigMap", "web")
WIDGET = manifest("Widget", "w")


def not_widgets(api_version: str, kind: str) -> bool:
    return kind != "Widget"


KINDS = {
    "a kind nobody serves is refused by name": ([WIDGET], (), ["Widget"]),
    "a definition in the same sync makes it known": ([WIDGET, definition("example.com", "Widget")], (), []),
    "a definition of another group does not": ([WIDGET, definition("example.org", "Widget")], (), ["Widget"]),
    "the application may trust in something else": ([WIDGET], ("SkipDryRunOnMissingResource=true",), []),
    "so may the object": ([manifest("Widget", "w", options="SkipDryRunOnMissingResource=true")], (), []),
    "every object is named, not the first": ([WIDGET, manifest("Widget", "v")], (), ["Widget", "Widget"]),
    "hooks are checked, too": ([manifest("Widget", "w", hook="SyncFail")], (), ["Widget"]),
}


@pytest.mark.parametrize(("targets", "options", "kinds"), KINDS.values(), ids=KINDS.keys())
def test_unknown_kinds(targets: list[Manifest], options: tuple[str, ...], kinds: list[str]) -> None:
    faults = validate(state(), facts(targets, options=options, serves=not_widgets))
    assert [fault.kind for fault in faults] == kinds
    assert all('Make sure the "Widget" CRD is installed' in fault.message for fault in faults)


def test_an_invalid_set_fails_before_any_write_and_without_sync_fail_hooks() -> None:
    targets = [WIDGET, WEB, manifest("Job", "rescue", hook="SyncFail")]
    step = next_step(state(), facts(targets, serves=not_widgets), START)
    assert isinstance(step, Finish)
    assert step.phase is OperationPhase.FAILED
    assert step.message.startswith("one or more synchronization tasks are not valid, reason: The Kubernetes API could")
    assert [(result.name, result.status) for result in step.results] == [("w", "SyncFailed")]


def test_a_refused_object_is_named_with_the_reason() -> None:
    step = next_step(state(), facts([WEB], refused={WEB.key: "resource :ConfigMap is not permitted"}), START)
    assert isinstance(step, Finish)
    assert [result.message for result in step.results] == ["resource :ConfigMap is not permitted"]


def test_what_has_come_to_be_refused_fails_the_operation_that_had_begun() -> None:
    first, second = manifest("ConfigMap", "a"), manifest("ConfigMap", "b", wave=1)
    step = next_step(state(), facts([first, second]), START)
    assert isinstance(step, Act)
    done = advance(state(), step, [result_of(task, ResultCode.SYNCED, "created") for task in _recorded(step)], START)
    seen = facts([first, second], live=[live_of(first)], forbids=lambda key: "no" if key == second.key else "")
    after = next_step(done, seen, START + timedelta(seconds=9))
    assert isinstance(after, Finish) and after.phase is OperationPhase.FAILED
    assert [(result.name, result.status, result.message) for result in after.results][1:] == [("b", "SyncFailed", "no")]


def _recorded(step: Act) -> list[ApplyTask]:
    return [task for task in step.tasks if isinstance(task, ApplyTask)]


def test_a_hook_is_judged_by_the_name_it_is_going_to_have() -> None:
    hook = manifest("Job", "", hook="PreSync", generate_name="db-")
    step = next_step(state(), facts([hook], forbids=lambda key: f"not {key.name}" if key.name else ""), START)
    assert isinstance(step, Finish) and step.phase is OperationPhase.FAILED
    assert "not db-0123456-presync-" in step.message


@pytest.mark.parametrize("ours", [False, True], ids=["of somebody else", "of an earlier run"])
@pytest.mark.parametrize("kind", ["Namespace", "CustomResourceDefinition"])
def test_a_hook_never_deletes_what_takes_others_along_unless_a_hook_made_it(kind: str, ours: bool) -> None:
    hook = manifest(kind, "a", hook="PreSync", policy="BeforeHookCreation")
    found = live_of(hook, annotations={OPERATION_ID: "earlier"} if ours else {})
    step = next_step(state(), facts([hook], live=[found]), START)
    assert isinstance(step, Act)
    assert [isinstance(task, DeleteHookTask) for task in step.tasks] == [ours]


SHARED = {
    "an object of two applications": (("FailOnSharedResource=true",), ("ConfigMap/web is part of x and y",), True),
    "without the option": ((), ("ConfigMap/web is part of x and y",), False),
    "the option spelt otherwise": (("FailOnSharedResource=True",), ("ConfigMap/web is part of x and y",), False),
    "nothing is shared": (("FailOnSharedResource=true",), (), False),
}


@pytest.mark.parametrize(("options", "shared", "fails"), SHARED.values(), ids=SHARED.keys())
def test_shared_objects(options: tuple[str, ...], shared: tuple[str, ...], fails: bool) -> None:
    step = next_step(state(), facts([WEB], options=options, shared=shared), START)
    assert isinstance(step, Finish) is fails
    if isinstance(step, Finish):
        assert (step.phase, step.message) == (OperationPhase.FAILED, f"Shared resource found: {shared[0]}")
        assert not step.results


def test_a_hook_declared_twice_in_a_phase_is_refused() -> None:
    hook = manifest("Job", "a", hook="PreSync")
    assert [fault.name for fault in validate(state(), facts([hook, hook]))] == ["a", "a"]


PAUSES = {
    "the first wait is five seconds": (0, None, 5.0),
    "each doubles": (3, None, 40.0),
    "three minutes are the longest": (9, None, 180.0),
    "an unlimited count stays finite": (100_000, None, 180.0),
    "the block sets duration, factor and maximum": (
        2,
        Retry(limit=5, backoff=Backoff(duration="1m", factor=3, max_duration="1h")),
        540.0,
    ),
    "a factor of 64 bits reaches the cap": (16, Retry(backoff=Backoff(duration="5s", factor=2**63 - 1)), 180.0),
    "a factor below one does not shrink it": (3, Retry(backoff=Backoff(duration="5s", factor=-2)), 5.0),
    "a maximum of nothing is none": (9, Retry(backoff=Backoff(duration="5s", factor=2, max_duration="0s")), 2560.0),
    "without a maximum a day is the longest": (99, Retry(backoff=Backoff(max_duration="0")), 86_400.0),
    "a second is the shortest": (5, Retry(backoff=Backoff(duration="0s", factor=2, max_duration="1ms")), 1.0),
    "a bare number is seconds": (0, Retry(limit=1, backoff=Backoff(duration="7")), 7.0),
}


@pytest.mark.parametrize(("attempt", "block", "seconds"), PAUSES.values(), ids=PAUSES.keys())
def test_pauses(attempt: int, block: Retry | None, seconds: float) -> None:
    assert pause(attempt, block) == seconds


LIMITS = {
    "automation is tried again five times": (True, None, None, 5),
    "a person is not": (False, None, None, 0),
    "a block without a limit means none": (True, Retry(), None, 0),
    "the operation's own block counts": (False, Retry(limit=2), None, 2),
    "else the specification's": (False, None, Retry(limit=3), 3),
}


@pytest.mark.parametrize(("automated", "own", "spec", "retries"), LIMITS.values(), ids=LIMITS.keys())
def test_attempts(automated: bool, own: Retry | None, spec: Retry | None, retries: int) -> None:
    running = state(automated=automated, retry=own)
    seen = facts([WEB], refused={WEB.key: "no"}, retry=spec)
    now, attempts = START, 0
    while not running.phase.completed:
        step = next_step(running, seen, now)
        attempts += isinstance(step, Finish)
        running = advance(running, step, [], now, spec)
        now += timedelta(seconds=retry_in(running, spec, now))
    assert attempts == retries + 1
    assert running.retry_count == retries
    assert running.message.endswith(f"(retried {retries} times).") is (retries > 0)


def test_waiting_for_a_retry_is_running_with_finished_at_set() -> None:
    running = state(automated=True)
    seen = facts([WEB], refused={WEB.key: "no"})
    waiting = advance(running, next_step(running, seen, START), [], START)
    assert (waiting.phase, waiting.finished_at, waiting.retry_count) == (
        OperationPhase.RUNNING,
        "2026-01-02T03:04:05Z",
        1,
    )
    assert waiting.message.endswith("Retrying attempt #1 at 03:04:10Z.")
    early = next_step(waiting, seen, START + timedelta(seconds=2))
    assert isinstance(early, Wait)
    assert (early.retrying, early.after) == (True, 3.0)
    assert advance(waiting, early, [], START) == waiting
    due = next_step(waiting, facts([WEB]), START + timedelta(seconds=5))
    assert isinstance(due, Act)
    begun = advance(waiting, due, [], START)
    assert begun.finished_at is None


def test_an_attempt_begins_with_nothing_on_record_and_may_succeed() -> None:
    cluster = ToyCluster([WEB], refusing=["web"])
    running = state(automated=True)
    running = advance(
        running, step := next_step(running, cluster.observe(running), START), cluster.perform(step), START
    )
    cluster.refusing = frozenset()
    ended = run(cluster, running)
    assert (ended.phase, ended.retry_count) == (OperationPhase.SUCCEEDED, 1)


def test_a_duration_nobody_can_read_ends_the_operation_and_is_named() -> None:
    running = state(retry=Retry(limit=3, backoff=Backoff(duration="soon")))
    ended = advance(running, next_step(running, facts([WEB], refused={WEB.key: "no"}), START), [], START)
    assert ended.phase is OperationPhase.FAILED
    assert "failed to retry" in ended.message
    assert "soon" in ended.message


CREATE = ("CreateNamespace=true",)
SPACE = live_of(manifest("Namespace", NAMESPACE))
NAMESPACES = {
    "without the option nothing is created": ((), [], [WEB], None, False),
    "a missing namespace is created": (CREATE, [], [WEB], None, True),
    "one that is there is left alone": (CREATE, [SPACE], [WEB], None, False),
    "unless metadata is managed": (CREATE, [SPACE], [WEB], NamespaceMetadata(labels={"a": "b"}), True),
    "it is kept though nothing else is to be done": (CREATE, [SPACE], [], NamespaceMetadata(labels={"a": "b"}), True),
    "one that Git declares is Git's": (CREATE, [], [WEB, manifest("Namespace", NAMESPACE)], None, False),
    "nothing to deploy needs none": (CREATE, [], [], None, False),
}


@pytest.mark.parametrize(
    ("options", "live", "targets", "wanted", "expected"), NAMESPACES.values(), ids=NAMESPACES.keys()
)
def test_create_namespace(
    options: tuple[str, ...],
    live: list[LiveObject],
    targets: list[Manifest],
    wanted: NamespaceMetadata | None,
    expected: bool,
) -> None:
    plan = build(state(), facts(targets, live=live, options=options, namespace_metadata=wanted))
    assert any(isinstance(task, CreateNamespaceTask) for task in plan.tasks) is expected


KEPT = {"labels": NamespaceMetadata(labels={"a": "b"}), "nothing any more": NamespaceMetadata()}
NAMED = {
    "named": ([SyncOperationResource(kind="Namespace", name=NAMESPACE)], True),
    "another object is named": ([SyncOperationResource(kind="ConfigMap", name="other")], False),
}


@pytest.mark.parametrize(("resources", "expected"), NAMED.values(), ids=NAMED.keys())
@pytest.mark.parametrize("wanted", KEPT.values(), ids=KEPT.keys())
def test_a_selective_sync_keeps_the_namespace_it_names(
    wanted: NamespaceMetadata, resources: list[SyncOperationResource], expected: bool
) -> None:
    plan = build(state(resources=resources), facts([WEB], live=[SPACE], options=CREATE, namespace_metadata=wanted))
    assert [type(task) for task in plan.tasks] == [CreateNamespaceTask] * expected
    assert all(isinstance(task, CreateNamespaceTask) and not task.writing.migrate for task in plan.tasks)


def test_the_namespace_comes_before_everything_in_the_first_wave() -> None:
    targets = [manifest("Job", "db", hook="PreSync", wave=-2), WEB]
    plan = build(state(), facts(targets, options=CREATE))
    first = plan.tasks[0]
    assert isinstance(first, CreateNamespaceTask)
    assert (first.phase.value, first.wave) == ("PreSync", -2)


def test_a_created_namespace_is_recorded_under_presync_and_the_operation_ends() -> None:
    cluster = ToyCluster([WEB], options=CREATE)
    ended = run(cluster, state())
    assert ended.sync_result is not None
    assert [(item.kind, item.sync_phase) for item in ended.sync_result.resources] == [
        ("Namespace", "PreSync"),
        ("ConfigMap", "Sync"),
    ]


def test_a_namespace_that_is_being_deleted_is_waited_for_by_name() -> None:
    going = live_of(manifest("Namespace", NAMESPACE), deletion_timestamp="2026-01-01T00:00:00Z")
    step = next_step(state(), facts([manifest("Namespace", NAMESPACE), WEB], live=[going]), START)
    assert isinstance(step, Wait)
    assert step.message == f"waiting for deletion of /Namespace/{NAMESPACE}"


APPLYING = {
    "server-side by default": ((), "", "default"),
    "asked for by the application": (("ServerSideApply=true",), "", "asked"),
    "switched off by the application": (("ServerSideApply=false",), "", "off"),
    "the object's refusal wins": (("ServerSideApply=true",), "ServerSideApply=false", "off"),
    "the object's wish wins": (("ServerSideApply=false",), "ServerSideApply=true", "asked"),
    "another spelling counts for nothing": (("serversideapply=TRUE",), "ServerSideApply = true", "default"),
}


@pytest.mark.parametrize(("app", "own", "expected"), APPLYING.values(), ids=APPLYING.keys())
def test_how_objects_are_applied(app: tuple[str, ...], own: str, expected: str) -> None:
    (task,) = build(state(), facts([manifest("ConfigMap", "a", options=own)], options=app)).tasks
    assert isinstance(task, ApplyTask)
    assert task.writing.server_side == expected


REPLACING = {
    "Replace of the application": (("Replace=true",), "", "", (True, False)),
    "Replace of the target": ((), "Replace=true", "", (True, False)),
    "Replace of the live object": ((), "", "Replace=true", (True, False)),
    "Replace cannot be turned off by the object": (("Replace=true",), "Replace=false", "", (True, False)),
    "Force of the object": ((), "Force=true", "", (False, True)),
    "Force of the application counts for nothing": (("Force=true",), "", "", (False, False)),
}


@pytest.mark.parametrize(("app", "own", "live", "expected"), REPLACING.values(), ids=REPLACING.keys())
def test_replace_and_force(app: tuple[str, ...], own: str, live: str, expected: tuple[bool, bool]) -> None:
    there = live_of(manifest("ConfigMap", "a", options=live))
    (task,) = build(state(), facts([manifest("ConfigMap", "a", options=own)], live=[there], options=app)).tasks
    assert isinstance(task, ApplyTask)
    assert (task.writing.replace, task.writing.force) == expected


def test_the_operations_own_options_replace_the_specifications() -> None:
    policy = SyncPolicy(sync_options=["Replace=true"])
    assert options_for(Operation(sync=SyncOperation()), policy).texts == {"Replace=true"}
    assert options_for(Operation(sync=SyncOperation(sync_options=["Prune=false"])), policy).texts == {"Prune=false"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("background", "Background"), ("orphan", "Orphan"), ("foreground", "Foreground"), ("Orphan", "Foreground")],
)
def test_propagation(text: str, expected: str) -> None:
    assert Options(frozenset({f"PrunePropagationPolicy={text}"})).propagation == expected


SOON = datetime(2026, 1, 2, 3, 4, 7, tzinfo=UTC)
LATE = datetime(2026, 1, 2, 3, 5, 7, tzinfo=UTC)


def app(finalizer: str = RESOURCES_FINALIZER, options: list[str] | None = None) -> Application:
    return Application(
        metadata=Metadata(
            name="shop", namespace="argocd", finalizers=[finalizer], deletion_timestamp="2026-01-02T03:04:05Z"
        ),
        spec=ApplicationSpec(sync_policy=SyncPolicy(sync_options=options or [])),
    )


def managed(*objects: LiveObject) -> dict[ResourceKey, LiveObject]:
    return {found.key: found for found in objects}


def test_a_cascade_goes_from_the_highest_wave_down_one_wave_at_a_time() -> None:
    objects = managed(*(live_of(manifest("ConfigMap", f"w{wave}", wave=wave)) for wave in (0, 5, -1)))
    gone = []
    while not isinstance(step := deletion_step(app(), objects, SOON), AllGone):
        assert isinstance(step, Delete)
        gone.append([task.key.name for task in step.tasks])
        objects = {key: found for key, found in objects.items() if key not in {task.key for task in step.tasks}}
    assert gone == [["w5"], ["w0"], ["w-1"]]


def test_a_lower_wave_waits_for_the_higher_one_to_be_gone() -> None:
    going = live_of(manifest("ConfigMap", "b", wave=1), deletion_timestamp="2026-01-02T03:04:06Z")
    step = deletion_step(app(), managed(going, live_of(WEB)), SOON)
    assert isinstance(step, DeletionWait)
    assert step.message == "waiting for deletion of /ConfigMap/b"


SPARED = {
    "definitions of custom resources": live_of(definition("example.com", "Widget")),
    "objects with Delete=false": live_of(manifest("ConfigMap", "a", options="Delete=false")),
    "what Helm keeps": live_of(manifest("ConfigMap", "a", annotations={HELM_RESOURCE_POLICY: "keep"})),
    "what has an owner of its own": live_of(WEB, owners=(Owner(kind="Pod", name="p", uid="u"),)),
    "the application itself": live_of(
        manifest("Application", "shop", api_version=f"{GROUP}/v1alpha1", namespace="argocd")
    ),
}


@pytest.mark.parametrize("live", SPARED.values(), ids=SPARED.keys())
def test_a_cascade_spares(live: LiveObject) -> None:
    assert deletion_step(app(), managed(live), SOON) == AllGone()


def test_a_cascade_spares_what_the_project_forbids() -> None:
    assert deletion_step(app(), managed(live_of(WEB)), SOON, forbidden={WEB.key}) == AllGone()


def test_projects_go_last_for_they_permit_the_deletion_of_the_rest() -> None:
    project = live_of(manifest("AppProject", "team", api_version=f"{GROUP}/v1alpha1", wave=5))
    step = deletion_step(app(), managed(project, live_of(WEB)), SOON)
    assert isinstance(step, Delete) and [task.key for task in step.tasks] == [WEB.key]
    step = deletion_step(app(), managed(project), SOON)
    assert isinstance(step, Delete) and [task.key for task in step.tasks] == [project.key]


def test_delete_false_of_the_application_spares_everything() -> None:
    assert deletion_step(app(options=["Delete=false"]), managed(live_of(WEB)), SOON) == AllGone()


def test_a_hook_left_behind_is_released_as_it_is_deleted() -> None:
    hook = live_of(manifest("Job", "db"), finalizers=(HOOK_FINALIZER,), deletion_timestamp="2026-01-02T03:04:06Z")
    step = deletion_step(app(), managed(hook), SOON)
    assert isinstance(step, Delete)
    assert [type(task) for task in step.tasks] == [DeleteHookTask]


OURS = {OPERATION_ID: "run"}
STAYING = {
    "without a cascade": (app("example.com/other"), ""),
    "with Delete=false": (app(), "Delete=false"),
}


@pytest.mark.parametrize(("application", "options"), STAYING.values(), ids=STAYING)
def test_a_hook_that_stays_loses_our_finalizer_and_nothing_else(application: Application, options: str) -> None:
    hook = live_of(manifest("Job", "db", annotations=OURS, options=options), finalizers=(HOOK_FINALIZER,))
    step = deletion_step(application, managed(hook), SOON)
    assert isinstance(step, Delete)
    assert [(type(task), task.key.name) for task in step.tasks] == [(ReleaseHookTask, "db")]


def test_a_hook_of_another_engine_is_left_to_it() -> None:
    hook = live_of(manifest("Job", "db"), finalizers=(HOOK_FINALIZER,))
    assert deletion_step(app("example.com/other"), managed(hook), SOON) == AllGone()


def leaving(kind: str = "ConfigMap", *finalizers: str, **body: object) -> LiveObject:
    live = live_of(manifest(kind, "a"), finalizers=finalizers, deletion_timestamp="2026-01-02T03:04:06Z")
    return msgspec.structs.replace(live, body=msgspec.json.encode({**live.object(), **body}))


def test_a_deletion_that_lasts_names_what_holds_it_and_its_finalizers() -> None:
    kept = leaving("ConfigMap", "example.com/hold", "example.com/too")
    early, late = (deletion_step(app(), managed(kept), now) for now in (SOON, LATE))
    assert isinstance(early, DeletionWait) and early.held == () and early.after == HELD_AFTER
    assert isinstance(late, DeletionWait)
    assert f"ConfigMap {NAMESPACE}/a (finalizers: example.com/hold, example.com/too)" in told(late.held)


def test_a_namespace_says_what_is_left_in_it() -> None:
    why = "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    kept = leaving(
        "Namespace",
        spec={"finalizers": ["kubernetes"]},
        status={"conditions": [{"status": "False", "message": "no"}, {"status": "True", "message": why}]},
    )
    assert told(held([kept], LATE)).startswith(f"deletion is held by Namespace a (finalizers: kubernetes: {why})")


def test_many_held_objects_are_counted() -> None:
    assert " and 3 more (" in told([Held(leaving().key, ("example.com/hold",))] * 13)


@pytest.mark.parametrize(
    ("approved", "waits"),
    [
        (None, True),
        (datetime(2026, 1, 2, 3, 4, 4, tzinfo=UTC), True),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), False),
    ],
    ids=["nobody has approved", "the approval is older than the deletion", "approved since"],
)
def test_delete_confirm(approved: datetime | None, waits: bool) -> None:
    step = deletion_step(
        app(), managed(live_of(manifest("ConfigMap", "a", options="Delete=confirm"))), SOON, approved_at=approved
    )
    assert isinstance(step, DeletionWait) is waits


@pytest.mark.parametrize(
    ("finalizer", "expected"),
    [
        ("resources-finalizer.argocd.argoproj.io", "Foreground"),
        ("resources-finalizer.argocd.argoproj.io/foreground", "Foreground"),
        ("resources-finalizer.argocd.argoproj.io/background", "Background"),
        ("example.com/other", ""),
    ],
)
def test_finalizers(finalizer: str, expected: str) -> None:
    assert propagation_of([finalizer]) == expected


def test_without_a_cascade_finalizer_everything_stays() -> None:
    assert deletion_step(app("example.com/other"), managed(live_of(WEB)), SOON) == AllGone()
