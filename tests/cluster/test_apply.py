"""Writes against a real API server: each rule of cluster-truths that an apply has to know."""

import asyncio

import msgspec
import pytest
from tests.cluster.applying import Target, act, applied, asked, client_side, config, declared, deployment, said, task_of
from tests.support.patience import stretched
from tests.support.plans import live_of, state

from trueup.apply.confirm import Confirmer, Question
from trueup.apply.perform import perform
from trueup.health.assess import assess
from trueup.kube.client import Client
from trueup.kube.errors import NotFound, Unreachable
from trueup.model.annotations import (
    FIELD_MANAGER,
    HOOK,
    HOOK_DELETE_POLICY,
    HOOK_FINALIZER,
    OPERATION_ID,
    SYNC_WAVE,
)
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.hooks import HookDeletePolicy
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, SyncCode, SyncPhase
from trueup.plan.facts import Facts
from trueup.plan.hooks import armed
from trueup.plan.record import advance
from trueup.plan.step import next_step
from trueup.plan.task import (
    DeleteHookTask,
    Finish,
    PruneTask,
    RunHookTask,
    Writing,
)
from trueup.runtime.clock import SystemClock


async def test_an_object_is_created_left_unchanged_and_configured(target: Target, namespace: str) -> None:
    assert said(await applied(target, config(namespace, a="1"))) == [("Synced", "configmap/web created")]
    assert said(await applied(target, config(namespace, a="1"))) == [("Synced", "configmap/web unchanged")]
    assert said(await applied(target, config(namespace, a="2"))) == [("Synced", "configmap/web configured")]


async def test_the_answer_of_a_write_is_in_the_cache_at_once(target: Target, namespace: str) -> None:
    wanted = config(namespace, a="1")
    await applied(target, wanted)
    seen = target.cache.get(wanted.key)
    assert seen is not None
    assert seen.object()["data"] == {"a": "1"}


async def test_a_key_removed_from_git_goes(target: Target, namespace: str) -> None:
    await applied(target, config(namespace, a="1", b="2"))
    await applied(target, config(namespace, a="1"))
    assert (await target.read(config(namespace)))["data"] == {"a": "1"}


async def test_a_secret_key_given_as_text_and_removed_from_git_goes(target: Target, namespace: str) -> None:
    first = declared(namespace, "v1", "Secret", "s", stringData={"a": "1", "b": "2"})
    second = declared(namespace, "v1", "Secret", "s", stringData={"a": "1"})
    await applied(target, first)
    await applied(target, second)
    assert (await target.read(second))["data"] == {"a": "MQ=="}


async def test_a_kind_of_another_scope_than_was_admitted_is_not_written(target: Target, namespace: str) -> None:
    group = "rbac.authorization.k8s.io"
    role = declared(namespace, f"{group}/v1", "ClusterRole", f"{namespace}-r", rules=[])
    role = msgspec.structs.replace(role, key=ResourceKey(group, "ClusterRole", namespace, f"{namespace}-r"))
    ((status, message),) = said(await applied(target, role))
    assert status == "SyncFailed" and "the kind is of the cluster" in message
    stray = declared(namespace, "v1", "ConfigMap", "stray")
    stray = msgspec.structs.replace(stray, key=ResourceKey("", "ConfigMap", "", "stray"))
    ((status, message),) = said(await applied(target, stray))
    assert status == "SyncFailed" and "no namespace is named" in message


async def test_server_fields_in_a_manifest_do_no_harm(target: Target, namespace: str) -> None:
    metadata = {"uid": "4f9e", "resourceVersion": "1", "managedFields": [{"manager": "x"}], "generation": 9}
    wanted = declared(namespace, "v1", "ConfigMap", "web", metadata=metadata, data={"a": "1"}, status={"x": 1})
    assert said(await applied(target, wanted)) == [("Synced", "configmap/web created")]


async def test_an_undeclared_field_is_dropped_with_a_warning_that_names_it(target: Target, namespace: str) -> None:
    wanted = deployment(namespace, replica=2)
    for change in ("created", "unchanged"):
        ((status, message),) = said(await applied(target, wanted))
        assert status == "Synced"
        assert message.startswith(f"deployment.apps/web {change} (warning: ")
        assert ".spec.replica" in message


async def test_an_undeclared_field_is_refused_where_server_side_apply_was_asked_for(
    target: Target, namespace: str
) -> None:
    performed = await applied(target, deployment(namespace, replica=2), writing=Writing(server_side="asked"))
    ((status, message),) = said(performed)
    assert status == "SyncFailed"
    assert ".spec.replica" in message


async def test_a_duplicate_list_key_is_applied_with_a_warning(target: Target, namespace: str) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    ((status, message),) = said(await applied(target, deployment(namespace, container={"env": env})))
    assert status == "Synced"
    assert "DuplicateKey" in message


@pytest.mark.parametrize(
    ("kind", "field", "first", "second"),
    [
        ("Deployment", "strategy", "RollingUpdate", "Recreate"),
        ("StatefulSet", "updateStrategy", "RollingUpdate", "OnDelete"),
    ],
)
@pytest.mark.parametrize("declares", [False, True], ids=["defaulted before", "declared before"])
async def test_the_member_of_a_union_that_nobody_owns_goes(
    target: Target, namespace: str, kind: str, field: str, first: str, second: str, declares: bool
) -> None:
    def wanted(kind_of_update: str | None) -> Manifest:
        spec = deployment(namespace).object()["spec"]
        del spec["replicas"]
        if kind == "StatefulSet":
            spec["serviceName"] = "web"
        if kind_of_update:
            spec[field] = {"type": kind_of_update}
        return declared(namespace, "apps/v1", kind, "web", spec=spec)

    await applied(target, wanted(first if declares else None))
    assert said(await applied(target, wanted(second))) == [("Synced", f"{kind.lower()}.apps/web configured")]
    assert (await target.read(wanted(second)))["spec"][field] == {"type": second}


@pytest.mark.parametrize("manager", ["argocd-controller", "kubectl-client-side-apply"])
async def test_a_key_that_a_client_side_apply_owned_goes_when_git_drops_it(
    target: Target, namespace: str, manager: str
) -> None:
    await client_side(target, config(namespace, a="1", b="2"), manager)
    await applied(target, config(namespace, a="1"))
    stored = await target.read(config(namespace))
    assert stored["data"] == {"a": "1"}
    owners = [(entry["manager"], entry["operation"]) for entry in stored["metadata"]["managedFields"]]
    assert owners == [(FIELD_MANAGER, "Apply")]


async def test_an_object_in_sync_is_not_written_for_the_sake_of_ownership(target: Target, namespace: str) -> None:
    before = await client_side(target, config(namespace, a="1"), FIELD_MANAGER)
    assert said(await applied(target, config(namespace, a="1"), writing=Writing(in_sync=True))) == [
        ("Synced", "configmap/web unchanged")
    ]
    after = await target.client.get(target.type(config(namespace)), namespace, "web")
    assert after.resource_version == before.resource_version


async def test_client_side_apply_adds_changes_and_removes(target: Target, namespace: str) -> None:
    off = Writing(server_side="off")
    for data, change in (({"a": "1", "b": "2"}, "created"), ({"a": "3"}, "configured"), ({"a": "3"}, "unchanged")):
        assert said(await applied(target, config(namespace, **data), writing=off)) == [
            ("Synced", f"configmap/web {change}")
        ]
    assert (await target.read(config(namespace)))["data"] == {"a": "3"}


async def test_replace_creates_and_then_replaces_whole(target: Target, namespace: str) -> None:
    replace = Writing(replace=True)
    await applied(target, config(namespace, a="1"), writing=replace)
    type_ = target.type(config(namespace))
    edited = await target.client.patch(type_, namespace, "web", b'{"data":{"hand":"made"}}', kind="merge")
    target.cache.stored(edited)
    await applied(target, config(namespace, a="1"), writing=replace)
    assert (await target.read(config(namespace)))["data"] == {"a": "1"}


async def test_force_deletes_and_creates_again_where_the_write_is_impossible(target: Target, namespace: str) -> None:
    first = deployment(namespace)
    await applied(target, first)
    uid = (await target.read(first))["metadata"]["uid"]
    labels = {"app": "other"}
    spec = first.object()["spec"]
    spec["selector"]["matchLabels"] = labels
    spec["template"]["metadata"]["labels"] = labels
    second = declared(namespace, "apps/v1", "Deployment", "web", spec=spec)
    ((refused, message),) = said(await applied(target, second))
    assert refused == "SyncFailed"
    assert "immutable" in message
    assert said(await applied(target, second, writing=Writing(force=True))) == [
        ("Synced", "deployment.apps/web created")
    ]
    assert (await target.read(second))["metadata"]["uid"] != uid


async def test_the_value_of_a_secret_is_in_no_message(target: Target, namespace: str) -> None:
    wanted = declared(namespace, "v1", "Secret", "s", data={"k": "not base64: CANARY"})
    ((status, message),) = said(await applied(target, wanted))
    assert status == "SyncFailed"
    assert "CANARY" not in message


async def test_one_refused_object_does_not_keep_the_others_from_being_written(target: Target, namespace: str) -> None:
    bad = declared(namespace, "v1", "Service", "bad", spec={"ports": []})
    performed = await applied(target, bad, config(namespace, a="1"), deployment(namespace))
    assert {(result.name, result.kind, result.status) for result in performed.results} == {
        ("bad", "Service", "SyncFailed"),
        ("web", "ConfigMap", "Synced"),
        ("web", "Deployment", "Synced"),
    }
    assert performed.interrupted is None


def widget_definition(plural: str, kind: str) -> Manifest:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {
        "group": "apply.test",
        "scope": "Namespaced",
        "names": {"plural": plural, "kind": kind, "singular": kind.lower()},
        "versions": [version],
    }
    name = f"{plural}.apply.test"
    return declared("", "apiextensions.k8s.io/v1", "CustomResourceDefinition", name, spec=spec)


async def test_a_definition_and_its_object_go_in_one_step(target: Target, namespace: str) -> None:
    custom = declared(namespace, "apply.test/v1", "Widget", "w", spec={"size": 1})
    performed = await applied(target, custom, widget_definition("widgets", "Widget"))
    assert [status for status, _ in said(performed)] == ["Synced", "Synced"], said(performed)
    assert (await target.read(custom))["spec"] == {"size": 1}


async def test_a_dry_run_writes_nothing_and_knows_what_the_run_would_create(target: Target, namespace: str) -> None:
    space = declared("", "v1", "Namespace", f"{namespace}-new")
    inside = declared(f"{namespace}-new", "v1", "ConfigMap", "c", data={"a": "1"})
    custom = declared(namespace, "apply.test/v1", "Gadget", "g")
    tasks = [task_of(item) for item in (space, inside, widget_definition("gadgets", "Gadget"), custom)]
    performed = await perform(act(*tasks, task_of(config(namespace, a="1")), dry_run=True), target)
    assert {status for status, _ in said(performed)} == {"Synced"}, said(performed)
    assert all("(dry run" in message for _, message in said(performed))
    with pytest.raises(NotFound):
        await target.read(config(namespace))


async def test_a_prune_deletes_that_very_object_and_no_other_of_its_name(target: Target, namespace: str) -> None:
    wanted = config(namespace, a="1")
    await applied(target, wanted)
    live = target.cache.get(wanted.key)
    assert live is not None
    for uid, left in (("00000000-0000-0000-0000-000000000000", True), (live.uid, False)):
        prune = PruneTask(
            key=wanted.key,
            phase=SyncPhase.SYNC,
            wave=0,
            rank=0,
            uid=uid,
            api_version="v1",
            propagation="Background",
        )
        assert said(await perform(act(prune), target)) == [("Pruned", "pruned")]
        found = [item.key.name for item in (await target.client.list(target.type(wanted), namespace)).objects]
        assert ("web" in found) is left
    assert target.cache.get(wanted.key) is None


def hook(namespace: str, run: str, policy: HookDeletePolicy = HookDeletePolicy.BEFORE_HOOK_CREATION) -> RunHookTask:
    wanted = armed(declared(namespace, "v1", "ConfigMap", "hook", data={"run": run}), run)
    return RunHookTask(
        key=wanted.key,
        phase=SyncPhase.PRE_SYNC,
        wave=0,
        rank=0,
        manifest=wanted,
        run_id=run,
        policies=frozenset({policy}),
    )


async def test_a_hook_is_created_once_for_a_run(target: Target, namespace: str) -> None:
    first = await perform(act(hook(namespace, "run-1")), target)
    again = await perform(act(hook(namespace, "run-1")), target)
    assert said(first) == said(again) == [("Synced", "configmap/hook created")]
    stored = await target.read(hook(namespace, "run-1").manifest)
    assert stored["metadata"]["annotations"][OPERATION_ID] == "run-1"
    assert stored["metadata"]["finalizers"] == [HOOK_FINALIZER]
    assert await cleaned(target, namespace)


async def test_an_earlier_object_that_nobody_saw_is_never_taken_for_this_run(target: Target, namespace: str) -> None:
    await perform(act(hook(namespace, "run-1")), target)
    performed = await perform(act(hook(namespace, "run-2")), target)
    assert performed.results == ()
    seen = target.cache.get(hook(namespace, "run-1").key)
    assert seen is not None
    assert seen.annotations[OPERATION_ID] == "run-1"
    assert await cleaned(target, namespace)


async def cleaned(target: Target, namespace: str) -> bool:
    """Deletes the hook object by its task, twice as after a lost pass; whether it goes."""
    wanted = hook(namespace, "run-1")
    live = target.cache.get(wanted.key)
    assert live is not None
    task = DeleteHookTask(key=wanted.key, phase=SyncPhase.SYNC, wave=0, rank=0, uid=live.uid, api_version="v1")
    for _ in range(2):
        assert (await perform(act(task), target)).results == ()
    async with asyncio.timeout(stretched(30)):
        # Foreground deletion: the garbage collector has the last word.
        while target.cache.get(wanted.key) is not None:
            await asyncio.sleep(0.02)
    return True


async def test_a_confirmation_is_what_the_server_would_store(target: Target, namespace: str) -> None:
    await applied(target, config(namespace, a="1", b="2"))
    stored, refused = await asked(target, config(namespace, a="9"), Confirmer(target))
    assert (stored["data"], refused) == ({"a": "9"}, "")
    assert (await target.read(config(namespace)))["data"] == {"a": "1", "b": "2"}


async def test_a_confirmation_sees_what_a_takeover_would_remove(target: Target, namespace: str) -> None:
    await client_side(target, config(namespace, a="1", b="2"), FIELD_MANAGER)
    stored, _ = await asked(target, config(namespace, a="1"), Confirmer(target))
    assert stored["data"] == {"a": "1"}


async def test_a_confirmation_is_asked_once_whatever_moves_in_the_status(target: Target, namespace: str) -> None:
    wanted = deployment(namespace)
    await applied(target, wanted)
    async with asyncio.timeout(stretched(30)):
        # The Deployment controller's own annotation comes a moment later and does count.
        while "annotations" not in (await target.read(wanted))["metadata"]:
            await asyncio.sleep(0.02)
    confirmer = Confirmer(target)
    first, _ = await asked(target, wanted, confirmer)
    type_ = target.type(wanted)
    await target.client.patch(
        type_, namespace, "web", b'{"status":{"collisionCount":3}}', kind="merge", subresource="status"
    )
    live = await target.client.get(type_, namespace, "web")
    assert confirmer.remembered(Question(wanted, live)) is not None
    assert first["spec"]["replicas"] == 1


async def test_a_successful_apply_needs_no_confirmation(target: Target, namespace: str) -> None:
    wanted = config(namespace, a="1")
    performed = await applied(target, wanted)
    confirmer = Confirmer(target)
    for manifest, stored, writing in performed.stored:
        confirmer.seed(manifest, stored, writing)
    live = await target.client.get(target.type(wanted), namespace, "web")
    assert confirmer.remembered(Question(wanted, live, Writing(replace=True))) is None
    answer = confirmer.remembered(Question(wanted, live))
    assert answer is not None
    assert msgspec.json.decode(answer.body)["data"] == {"a": "1"}


async def test_an_impossible_change_is_a_certain_refusal(target: Target, namespace: str) -> None:
    await applied(target, deployment(namespace))
    spec = deployment(namespace).object()["spec"]
    spec["selector"]["matchLabels"] = {"app": "other"}
    wanted = declared(namespace, "apps/v1", "Deployment", "web", spec=spec)
    live = await target.client.get(target.type(wanted), namespace, "web")
    answer = (await Confirmer(target).confirm([Question(wanted, live)]))[wanted.key]
    assert answer.certain
    assert answer.refused


async def test_an_unserved_kind_has_no_answer(target: Target, namespace: str) -> None:
    wanted = declared(namespace, "nowhere.test/v1", "Nothing", "n")
    assert await Confirmer(target).confirm([Question(wanted, live_of(wanted))]) == {}


async def test_an_operation_runs_through_phases_waves_and_prunes_on_a_real_cluster(
    target: Target, namespace: str
) -> None:
    """A hook Job, two waves and a prune, decided by the planner and carried out here, pass after pass."""
    old = declared(namespace, "v1", "ConfigMap", "old", data={})
    await applied(target, old)
    wave = {"annotations": {SYNC_WAVE: "1"}}
    later = declared(namespace, "v1", "ConfigMap", "later", metadata=wave, data={})
    job_spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}}
    hooked = {"annotations": {HOOK: "PreSync", HOOK_DELETE_POLICY: "HookSucceeded"}}
    job = declared(namespace, "batch/v1", "Job", "migrate", metadata=hooked, spec=job_spec)
    targets, order = [deployment(namespace), later], list[str]()
    running = state(prune=True)
    async with asyncio.timeout(stretched(90)):
        while not running.phase.completed:
            step = next_step(running, observed(target, targets, [job], old), SystemClock().now())
            performed = await perform(step, target)
            order += [f"{result.status} {result.name}" for result in performed.results]
            running = advance(running, step, performed.results, SystemClock().now())
            await asyncio.sleep(0.05)
    assert (running.phase, running.message) == (OperationPhase.SUCCEEDED, "successfully synced (no more tasks)")
    assert order == ["Synced migrate", "Pruned old", "Synced web", "Synced later"]
    assert running.sync_result is not None
    results = [(item.name, item.status, item.hook_phase) for item in running.sync_result.resources]
    assert ("migrate", "Synced", "Succeeded") in results
    assert ("web", "Synced", "Succeeded") in results


def observed(target: Target, targets: list[Manifest], hooks: list[Manifest], old: Manifest) -> Facts:
    wanted = [*targets, *hooks, old]
    live = {item.key: found for item in wanted if (found := target.cache.get(item.key))}
    pairs = [
        ComparedResource(key=item.key, target=item, live=live.get(item.key), status=SyncCode.OUT_OF_SYNC)
        for item in targets
    ]
    if old.key in live:
        pairs.append(
            ComparedResource(
                key=old.key, target=None, live=live[old.key], status=SyncCode.OUT_OF_SYNC, requires_pruning=True
            )
        )
    return Facts(
        comparison=Comparison(status=SyncCode.OUT_OF_SYNC, resources=tuple(pairs), hooks=tuple(hooks)),
        live=live,
        health={key: assess(found) for key, found in live.items()},
        serves=lambda api_version, kind: True,
    )


async def test_a_cluster_that_does_not_answer_interrupts_and_refuses_nothing(target: Target, namespace: str) -> None:
    wanted = config(namespace, a="1")
    nowhere = msgspec.structs.replace(target.client.config, server="https://127.0.0.1:1")
    async with Client(nowhere) as client:
        cut_off = Target(client, target.discovery, target.cache)
        performed = await perform(act(task_of(wanted)), cut_off)
        assert performed.interrupted is not None
        assert performed.results == ()
        live = live_of(wanted, finalizers=(HOOK_FINALIZER,))
        task = DeleteHookTask(key=live.key, phase=SyncPhase.SYNC, wave=0, rank=0, uid=live.uid, api_version="v1")
        verdict = Finish(phase=OperationPhase.SUCCEEDED, message="", results=(), cleanup=(task,))
        with pytest.raises(Unreachable):
            await perform(verdict, cut_off)
