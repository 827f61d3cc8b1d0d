"""Hooks that run before and after an application's objects are deleted."""

from tests.e2e.estate import Estate
from tests.e2e.manifests import config, hook, job, wave

from trueup.cli.app.access import ApplicationView
from trueup.model.annotations import (
    CLEANUP,
    HOOK_FINALIZER,
    POST_DELETE_FINALIZER,
    PRE_DELETE_FINALIZER,
    RESOURCES_FINALIZER,
)
from trueup.model.live import LiveObject

SLOW = "{trueup.dev/simulate-delay: 2s}"
FAIL = "{trueup.dev/simulate: fail}"
BOTH = [PRE_DELETE_FINALIZER, PRE_DELETE_FINALIZER + CLEANUP, POST_DELETE_FINALIZER, POST_DELETE_FINALIZER + CLEANUP]


async def found(estate: Estate, name: str) -> LiveObject | None:
    return await estate.live("Job", name, group="batch")


def guarded(view: ApplicationView) -> bool:
    return set(BOTH) <= set(view.app.metadata.finalizers)


async def test_hooks_run_before_and_after_the_objects_are_deleted(estate: Estate) -> None:
    revision = await estate.given(
        {
            "app/a.yaml": config("a"),
            "app/backup.yaml": job("backup", pod_annotations=SLOW, annotations=hook("PreDelete")),
            "app/farewell.yaml": job("farewell", annotations=hook("PostDelete")),
            "app/last.yaml": job("last", generate=True, annotations=hook("PostDelete", "HookSucceeded") | wave(1)),
        }
    )
    await estate.app("app")
    await estate.until(guarded, what="guarded by finalizers")
    view = await estate.settled(revision)
    assert [r.name for r in view.status.resources] == ["a"], "delete hooks are neither compared nor applied"
    assert await found(estate, "backup") is None
    await estate.remove_application()

    async def running() -> bool:
        return await found(estate, "backup") is not None

    await estate.eventually(running, what="the hook runs")
    assert await estate.live("ConfigMap", "a") is not None, "the objects wait for the hook"
    assert await found(estate, "farewell") is None, "it comes after the objects"
    await estate.application_gone()
    assert await estate.live("ConfigMap", "a") is None
    assert await found(estate, "backup") is None, "a PreDelete hook goes with the objects"
    farewell = await found(estate, "farewell")
    assert farewell is not None, "a PostDelete hook stays without a policy"
    assert HOOK_FINALIZER not in farewell.finalizers
    assert farewell.object()["status"]["succeeded"] == 1
    assert await estate.names("Job", group="batch") == ["farewell"], "HookSucceeded has gone"


async def test_a_hook_that_fails_holds_the_deletion_until_git_has_a_better_one(estate: Estate) -> None:
    files = {"app/a.yaml": config("a"), "app/backup.yaml": job("backup", FAIL, annotations=hook("PreDelete"))}
    revision = await estate.given(files)
    await estate.app("app")
    await estate.settled(revision)
    await estate.remove_application()
    message = await estate.condition("DeletionError")
    assert message.startswith(f"PreDelete hook failed: batch/Job {estate.name}/backup: ")
    assert await estate.live("ConfigMap", "a") is not None
    await estate.commit({"app/backup.yaml": job("backup", annotations=hook("PreDelete"))})
    await estate.application_gone()
    assert await estate.live("ConfigMap", "a") is None


async def test_helms_hooks_run_and_the_mirror_is_enough(estate: Estate) -> None:
    def helm(kind: str, name: str) -> str:
        return job(name, annotations={"helm.sh/hook": kind, "helm.sh/hook-delete-policy": "hook-succeeded"})

    revision = await estate.given(
        {
            "app/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
            "app/templates/all.yaml": "---\n".join(
                [config("a"), helm("pre-delete", "first"), helm("post-delete", "last")]
            ),
        }
    )
    await estate.app("app")
    await estate.until(guarded, what="guarded by finalizers")
    await estate.settled(revision)
    estate.repository.folder.rename(estate.repository.folder.with_name(f"{estate.name}-away"))
    await estate.remove_application()
    await estate.application_gone()
    assert await estate.names("Job", group="batch") == []


async def test_hooks_run_without_a_cascade_and_leave_the_objects(estate: Estate) -> None:
    files = {"app/a.yaml": config("a"), "app/x.yaml": job("x", annotations=hook("PreDelete"))}
    revision = await estate.given(files)
    await estate.app("app", finalizer="")
    await estate.settled(revision)
    await estate.remove_application()
    await estate.application_gone()
    assert await estate.live("ConfigMap", "a") is not None
    ran = await found(estate, "x")
    assert ran is not None and not ran.finalizers


async def test_the_finalizers_go_with_the_last_hook(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a"), "app/x.yaml": job("x", annotations=hook("PreDelete,PostDelete"))})
    await estate.app("app")
    await estate.until(guarded, what="guarded by finalizers")
    await estate.commit({"app/x.yaml": None})
    await estate.until(lambda view: view.app.metadata.finalizers == [RESOURCES_FINALIZER], what="free")


async def test_a_hook_that_cannot_be_made_says_why(estate: Estate) -> None:
    files = {
        "app/a.yaml": config("a"),
        "app/x.yaml": job("x", annotations=hook("PreDelete")).replace("name: x", "name: x\n  namespace: nowhere", 1),
    }
    revision = await estate.given(files)
    await estate.app("app")
    await estate.settled(revision)
    await estate.remove_application()
    assert 'namespaces "nowhere" not found' in await estate.condition("DeletionError")
    assert await estate.live("ConfigMap", "a") is not None
    await estate.commit({"app/x.yaml": None})
    await estate.application_gone()


async def test_what_was_never_deployed_is_deleted_though_its_hook_has_no_namespace(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a"), "app/x.yaml": job("x", annotations=hook("PreDelete,PostDelete"))})
    await estate.app("app", automated=None)
    await estate.until(guarded, what="guarded by finalizers")
    await estate.remove_application()
    await estate.application_gone()


async def test_a_namespace_that_goes_with_the_application_takes_its_last_hook_along(estate: Estate) -> None:
    space = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {estate.name}}}\n"
    revision = await estate.given({"app/ns.yaml": space, "app/x.yaml": job("x", annotations=hook("PostDelete"))})
    await estate.app("app", options=())
    await estate.settled(revision)
    await estate.remove_application()
    await estate.application_gone()
