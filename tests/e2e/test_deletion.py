"""Deleting projects and applications: what goes, what waits, and what says so."""

import pytest
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, hook, job

from trueup.cli.app.summary import print_summary
from trueup.model.annotations import HOOK_FINALIZER, RESOURCES_FINALIZER

HOLD = "example.com/hold"
SLOW = "{trueup.dev/simulate-delay: 120s}"
PROJECT = """apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: NAME, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  clusterResourceWhitelist: [{group: "*", kind: "*"}]
"""
CHILD = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME-child, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: NAME
  source: {repoURL: "ADDRESS", path: app}
  destination: {server: "https://kubernetes.default.svc", namespace: NAME}
  syncPolicy: {automated: {}, syncOptions: [CreateNamespace=true]}
"""


async def make_project(estate: Estate) -> None:
    await estate.create(PROJECT.replace("NAME", estate.name), estate.engine.namespace)


async def test_a_project_that_no_application_uses_is_deleted(estate: Estate) -> None:
    await make_project(estate)
    await estate.remove("AppProject", estate.name, group="argoproj.io", namespace=estate.engine.namespace)
    await estate.gone("AppProject", estate.name, group="argoproj.io", namespace=estate.engine.namespace)


async def test_a_project_in_use_stays_until_its_last_application_is_gone(estate: Estate) -> None:
    await make_project(estate)
    revision = await estate.given({"app/settings.yaml": config()})
    await estate.app("app", spec={"project": estate.name})
    await estate.settled(revision)
    await estate.remove("AppProject", estate.name, group="argoproj.io", namespace=estate.engine.namespace)
    await estate.event("DeletionHeld", f"argocd/{estate.name}")
    view = await estate.refresh()
    assert view.status.sync is not None and view.status.sync.status == "Synced"
    await estate.remove_application()
    await estate.application_gone()
    await estate.gone("AppProject", estate.name, group="argoproj.io", namespace=estate.engine.namespace)


@pytest.mark.parametrize("inside", [False, True], ids=["of another project", "of the project it deploys"])
async def test_a_parent_with_a_project_and_its_applications_inside_deletes_whole(estate: Estate, inside: bool) -> None:
    child = CHILD.replace("NAME", estate.name).replace("ADDRESS", estate.repository.url)
    files = {
        "app/settings.yaml": config(),
        "apps/project.yaml": PROJECT.replace("NAME", estate.name),
        "apps/child.yaml": child,
    }
    revision = await estate.given(files)
    if inside:
        await make_project(estate)
    parent = f"{estate.name}-parent"
    await estate.app("apps", name=parent, spec={"project": estate.name} if inside else {})
    await estate.settled(revision, parent)
    await estate.settled(revision, f"{estate.name}-child")
    await estate.remove_application(parent)
    await estate.application_gone(parent)
    await estate.application_gone(f"{estate.name}-child")
    await estate.gone("AppProject", estate.name, group="argoproj.io", namespace=estate.engine.namespace)
    assert await estate.live("ConfigMap", "settings") is None


async def test_a_deletion_that_is_held_names_the_object_and_its_finalizer(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    await estate.given({"app/settings.yaml": config()})
    await estate.app("app")
    await estate.settled()
    await estate.change("ConfigMap", "settings", {"metadata": {"finalizers": [HOLD]}})
    await estate.remove_application()
    message = await estate.condition("DeletionHeldWarning")
    assert f"ConfigMap {estate.name}/settings (finalizers: {HOLD})" in message
    print_summary(await estate.view())
    shown = capsys.readouterr().out
    assert HOLD in shown and "Deleting since:" in shown
    await estate.event("DeletionHeldWarning", HOLD)
    await estate.change("ConfigMap", "settings", {"metadata": {"finalizers": []}})
    await estate.application_gone()


async def test_a_prune_that_is_held_names_the_object_and_its_finalizer(estate: Estate) -> None:
    await estate.given({"app/settings.yaml": config(), "app/old.yaml": config("old")})
    await estate.app("app")
    await estate.settled()
    await estate.change("ConfigMap", "old", {"metadata": {"finalizers": [HOLD]}})
    revision = await estate.commit({"app/old.yaml": None})
    assert f"ConfigMap {estate.name}/old (finalizers: {HOLD})" in await estate.condition("DeletionHeldWarning")
    await estate.change("ConfigMap", "old", {"metadata": {"finalizers": []}})
    view = await estate.settled(revision)
    assert view.status.conditions == []


async def test_an_application_that_somebody_elses_finalizer_holds_says_so(estate: Estate) -> None:
    await estate.given({"app/settings.yaml": config()})
    await estate.app("app")
    await estate.settled()
    await estate.patch({"metadata": {"finalizers": [RESOURCES_FINALIZER, HOLD]}})
    await estate.remove_application()
    message = await estate.condition("DeletionHeldWarning")
    assert f"Application argocd/{estate.name} (finalizers: {HOLD})" in message
    assert await estate.live("ConfigMap", "settings") is None
    await estate.patch({"metadata": {"finalizers": []}})
    await estate.application_gone()


CASCADES = {
    "with the cascade": (RESOURCES_FINALIZER, False, True),
    "with the cascade of another engine than ran it": (RESOURCES_FINALIZER, True, True),
    "without it": ("", False, False),
}


@pytest.mark.parametrize(("finalizer", "restarted", "removed"), CASCADES.values(), ids=CASCADES)
async def test_a_hook_that_runs_as_its_application_is_deleted_keeps_no_finalizer_of_ours(
    estate: Estate, finalizer: str, restarted: bool, removed: bool
) -> None:
    await estate.given(
        {"app/settings.yaml": config(), "app/smoke.yaml": job("smoke", SLOW, annotations=hook("PostSync"))}
    )
    await estate.app("app", finalizer=finalizer)
    await estate.until(
        lambda view: bool(
            view.status.operation_state
            and view.status.operation_state.sync_result
            and any(
                line.hook_type and line.hook_phase == "Running"
                for line in view.status.operation_state.sync_result.resources
            )
        ),
        what="running its hook",
    )
    if restarted:
        await estate.engine.kill()
    await estate.remove_application()
    if restarted:
        await estate.engine.start()
    await estate.application_gone()
    if removed:
        await estate.gone("Job", "smoke", group="batch")
    else:
        await estate.gone("Job", "smoke", group="batch", finalizer=HOOK_FINALIZER)
        assert await estate.live("Job", "smoke", group="batch") is not None, "nothing was to be deleted"
