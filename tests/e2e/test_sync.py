"""Waves, hooks, pruning, retries, namespaces, selective sync."""

from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment, hook, job, wave
from tests.support.patience import looks

FAIL = "{trueup.dev/simulate: fail}"


async def test_a_wave_waits_until_the_one_before_is_healthy(estate: Estate) -> None:
    slow = "{trueup.dev/simulate-delay: 2s}"
    revision = await estate.given(
        {
            "app/first.yaml": deployment("first", pod_annotations=slow, annotations=wave(-1)),
            "app/second.yaml": config("second", annotations=wave(3)),
        }
    )
    await estate.app("app")
    await estate.until(lambda _: True)
    async for _ in looks():
        first = await estate.live("Deployment", "first", group="apps") if await _namespace(estate) else None
        second = await estate.live("ConfigMap", "second") if first else None
        if second is not None:
            assert first is not None
            assert first.object().get("status", {}).get("readyReplicas") == 1, "the gate opened too early"
            break
    else:
        raise AssertionError(estate.engine.tail())
    await estate.settled(revision)


async def _namespace(estate: Estate) -> bool:
    return await estate.live("Namespace", estate.name) is not None


async def test_hooks_run_before_and_after_and_leave_as_their_policies_say(estate: Estate) -> None:
    revision = await estate.given(
        {
            "app/before.yaml": job("migrate", annotations=hook("PreSync", "HookSucceeded")),
            "app/after.yaml": job("smoke", generate=True, annotations=hook("PostSync", "HookSucceeded")),
            "app/config.yaml": config(),
        }
    )
    await estate.app("app")
    view = await estate.settled(revision)
    state = view.status.operation_state
    assert state is not None and state.sync_result is not None
    hooks = {(r.hook_type, r.hook_phase) for r in state.sync_result.resources if r.hook_type}
    assert hooks == {("PreSync", "Succeeded"), ("PostSync", "Succeeded")}
    assert {r.kind for r in view.status.resources if not r.hook} == {"ConfigMap"}, "hooks are no resources"
    await estate.gone("Job", "migrate", group="batch")


async def test_a_failing_hook_fails_the_sync_and_runs_the_failure_hook(estate: Estate) -> None:
    await estate.given(
        {
            "app/before.yaml": job("migrate", pod_annotations=FAIL, annotations=hook("PreSync")),
            "app/alarm.yaml": config("alarm", annotations=hook("SyncFail")),
            "app/config.yaml": config(),
        }
    )
    await estate.app("app", policy={"retry": {"limit": 0}})
    view = await estate.until(
        lambda v: v.status.operation_state is not None and v.status.operation_state.phase == "Failed", what="Failed"
    )
    assert await estate.live("ConfigMap", "settings") is None, "nothing after the failed phase is applied"
    assert await estate.live("ConfigMap", "alarm") is not None
    assert view.status.operation_state is not None


async def test_what_leaves_git_is_pruned_only_where_that_was_asked(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a"), "app/b.yaml": config("b")})
    await estate.app("app", automated={"selfHeal": True})
    await estate.settled()
    revision = await estate.commit({"app/b.yaml": None})
    view = await estate.until(
        lambda v: v.status.sync is not None and v.status.sync.revision == revision, what=f"at {revision[:8]}"
    )
    assert [(r.name, r.requires_pruning) for r in view.status.resources if r.status == "OutOfSync"] == [("b", True)]
    assert await estate.live("ConfigMap", "b") is not None
    await estate.sync(prune=True)
    await estate.gone("ConfigMap", "b")
    await estate.settled(revision)


async def test_automation_never_prunes_everything_without_allow_empty(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a"), "app/note.txt": "kept, so that the folder stays\n"})
    await estate.app("app")
    await estate.settled()
    await estate.commit({"app/a.yaml": None})
    message = await estate.condition("SyncError")
    assert "allowEmpty" in message or "auto-sync will wipe out all resources" in message
    assert await estate.live("ConfigMap", "a") is not None


async def test_prune_false_on_the_live_object_keeps_it(estate: Estate) -> None:
    keep = {"argocd.argoproj.io/sync-options": "Prune=false"}
    await estate.given({"app/a.yaml": config("a"), "app/b.yaml": config("b", annotations=keep)})
    await estate.app("app")
    await estate.settled()
    await estate.commit({"app/b.yaml": None, "app/a.yaml": config("a", "blue")})
    await estate.until(lambda v: any(r.name == "b" and r.requires_pruning for r in v.status.resources), what="so")
    await estate.sync(prune=True)
    assert await estate.live("ConfigMap", "b") is not None


async def test_a_selective_sync_touches_only_what_it_names_and_leaves_no_history(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a"), "app/b.yaml": config("b")})
    await estate.app("app", automated=None)
    await estate.until(lambda v: len(v.status.resources) == 2, what="compared")
    namespaces = estate.discovery.find("", "Namespace")
    assert namespaces is not None
    view = await estate.sync(
        resources=[{"group": "", "kind": "ConfigMap", "name": "a"}], syncOptions=["CreateNamespace=true"]
    )
    assert view.status.operation_state is not None and view.status.operation_state.phase == "Succeeded"
    assert await estate.live("ConfigMap", "a") is not None
    assert await estate.live("ConfigMap", "b") is None
    assert view.status.history == []


async def test_a_crd_and_its_object_go_in_one_sync(estate: Estate) -> None:
    crd = f"""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: lamps.{estate.name}.example.com}}
spec:
  group: {estate.name}.example.com
  names: {{kind: Lamp, plural: lamps, singular: lamp}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {{spec: {{type: object, properties: {{colour: {{type: string}}}}}}}}
"""
    lamp = f"apiVersion: {estate.name}.example.com/v1\nkind: Lamp\nmetadata: {{name: desk}}\nspec: {{colour: red}}\n"
    revision = await estate.given({"app/crd.yaml": crd, "app/lamp.yaml": lamp})
    await estate.app("app")
    view = await estate.settled(revision)
    assert {r.kind for r in view.status.resources} == {"CustomResourceDefinition", "Lamp"}
    crd_live = await estate.live(
        "CustomResourceDefinition", f"lamps.{estate.name}.example.com", group="apiextensions.k8s.io"
    )
    assert crd_live is not None and "argocd.argoproj.io/tracking-id" not in crd_live.annotations


async def test_deleting_an_application_deletes_what_it_deployed(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a", annotations=wave(1)), "app/web.yaml": deployment()})
    await estate.app("app")
    await estate.settled(revision)
    await estate.remove_application()
    await estate.gone("ConfigMap", "a")
    await estate.gone("Deployment", "web", group="apps")
    await estate.application_gone()


async def test_deleting_without_the_finalizer_leaves_everything(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", finalizer="")
    await estate.settled(revision)
    await estate.remove_application()
    await estate.application_gone()
    assert await estate.live("ConfigMap", "a") is not None


async def test_kustomize_and_helm_applications_are_deployed(estate: Estate) -> None:
    await estate.given(
        {
            "kustomize/kustomization.yaml": "resources: [web.yaml]\nnamePrefix: file-\n",
            "kustomize/web.yaml": deployment(),
            "helm/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
            "helm/values.yaml": "colour: red\nsize: 1\n",
            "helm/templates/config.yaml": (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
                "data: {colour: {{ .Values.colour | quote }}, size: {{ .Values.size | quote }}}\n"
            ),
        }
    )
    source = {"namePrefix": "x-", "images": ["registry.example/web=registry.example/web:2"]}
    kustomized = await estate.app("kustomize", name=f"{estate.name}-k", kustomize=source)
    helmed = await estate.app(
        "helm",
        name=f"{estate.name}-h",
        helm={"valuesObject": {"colour": "blue"}, "parameters": [{"name": "size", "value": "3"}]},
    )
    await estate.settled(name=kustomized)
    view = await estate.settled(name=helmed)
    assert view.status.source_type == "Helm"
    web = await estate.live("Deployment", "x-web", group="apps", namespace=kustomized)
    assert web is not None, "the application's prefix replaces the file's"
    assert web.object()["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web:2"
    made = await estate.live("ConfigMap", helmed, namespace=helmed)
    assert made is not None and made.object()["data"] == {"colour": "blue", "size": "3"}


async def test_hooks_with_one_generate_name_all_run_and_go_with_their_application(estate: Estate) -> None:
    first, second = (
        job("smoke", generate=True, annotations=hook("PostSync")).replace("job:1", f"job:{number}") for number in (1, 2)
    )
    revision = await estate.given({"app/all.yaml": f"{first}---\n{second}---\n{config()}"})
    await estate.app("app")
    view = await estate.settled(revision)
    state = view.status.operation_state
    assert state is not None and state.sync_result is not None
    ran = [r for r in state.sync_result.resources if r.hook_type == "PostSync"]
    assert [r.hook_phase for r in ran] == ["Succeeded", "Succeeded"]
    assert len({r.name for r in ran}) == 2
    await estate.remove_application()
    await estate.application_gone()
    assert [await estate.live("Job", r.name, group="batch") for r in ran] == [None, None]


async def test_an_ordinary_object_with_a_generated_name_is_made_once_and_replaced_by_its_next_version(
    estate: Estate,
) -> None:
    def generated(value: str) -> str:
        return config("made", value).replace("name: made", "generateName: made-")

    revision = await estate.given({"app/all.yaml": f"{generated('red')}---\n{generated('red')}---\n{config()}"})
    await estate.app("app")
    view = await estate.settled(revision)
    names = {r.name for r in view.status.resources} - {"settings"}
    assert len(names) == 2
    assert "metadata.generateName and is no hook" in await estate.condition("RenderWarning")
    view = await estate.refresh()
    assert {r.name for r in view.status.resources} == {*names, "settings"}
    assert len(view.status.history) == 1, "it was synced once"
    revision = await estate.commit({"app/all.yaml": generated("blue")})
    view = await estate.settled(revision)
    (left,) = view.status.resources
    assert left.name not in names
    for name in names:
        await estate.gone("ConfigMap", name)
