"""The destination namespace: labels and annotations that an application keeps on it."""

from collections.abc import Mapping
from typing import Any

from tests.e2e.estate import AUTOMATED, Estate
from tests.e2e.manifests import config

from trueup.model.live import LiveObject


async def space(estate: Estate, name: str = "") -> LiveObject:
    found = await estate.live("Namespace", name or estate.name)
    assert found is not None
    return found


def kept(**metadata: Mapping[str, str | None]) -> dict[str, Any]:
    return {"managedNamespaceMetadata": metadata}


async def until(estate: Estate, **labels: str | None) -> LiveObject:
    """Wait for labels of the namespace."""

    async def matches() -> bool:
        found = await space(estate)
        return all(found.labels.get(name) == value for name, value in labels.items())

    await estate.eventually(matches, what=f"labelled {labels}")
    return await space(estate)


async def test_changed_metadata_reaches_the_namespace_and_foreign_labels_stay(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    policy = kept(labels={"tier": "gold", "gone": "soon"}, annotations={"owner": "team-a"})
    # Without self-heal: the change of the specification is a reason of its own.
    await estate.app("app", automated={"prune": True}, policy=policy)
    await estate.settled(revision)
    await estate.change("Namespace", estate.name, {"metadata": {"labels": {"foreign": "yes"}}})
    change = kept(labels={"tier": "silver", "gone": None}, annotations={"owner": "team-b"})
    await estate.patch({"spec": {"syncPolicy": change}})
    found = await until(estate, tier="silver", gone=None, foreign="yes")
    assert found.annotations["owner"] == "team-b"
    await estate.settled(revision)
    await estate.refresh()
    assert (await space(estate)).resource_version == found.resource_version, "what is so is not written"


async def test_a_label_changed_by_hand_is_healed_and_named(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", policy=kept(labels={"tier": "gold"}))
    view = await estate.settled(revision)
    assert ("Namespace", estate.name, "Synced") in {(r.kind, r.name, r.status) for r in view.status.resources}
    await estate.change("Namespace", estate.name, {"metadata": {"labels": {"tier": "bronze"}}})
    await until(estate, tier="gold")
    view = await estate.settled(revision)
    state = view.status.operation_state
    assert state is not None and state.operation.sync is not None
    assert [r.kind for r in state.operation.sync.resources] == ["Namespace"]
    await estate.remove_application()
    await estate.application_gone()
    assert not (await space(estate)).deletion_timestamp, "the namespace is never deleted"


async def test_without_automation_the_application_is_out_of_sync_until_a_sync(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", automated=None, policy=kept(labels={"tier": "gold"}))
    await estate.until(lambda view: view.status.sync is not None)
    await estate.sync()
    await estate.settled()
    await estate.patch({"spec": {"syncPolicy": kept(labels={"tier": "silver"})}})
    view = await estate.until(lambda view: view.status.sync is not None and view.status.sync.status == "OutOfSync")
    assert [r.kind for r in view.status.resources if r.status == "OutOfSync"] == ["Namespace"]
    assert (await space(estate)).labels["tier"] == "gold"
    await estate.sync()
    await until(estate, tier="silver")
    await estate.settled()


async def test_two_applications_with_other_metadata_do_not_undo_each_other(estate: Estate) -> None:
    revision = await estate.given({"one/a.yaml": config("a"), "two/b.yaml": config("b")})
    destination = {"destination": {"server": "https://kubernetes.default.svc", "namespace": estate.name}}
    await estate.app("one", policy=kept(labels={"tier": "gold"}))
    await estate.settled(revision)
    second = await estate.app(
        "two", name=f"{estate.name}-z", policy=kept(labels={"tier": "lead", "other": "x"}), spec=destination
    )
    await estate.settled(revision, second)
    told = await estate.condition("SharedResourceWarning", second)
    assert told.startswith(f"Namespace/{estate.name} is part of application {estate.name}")
    found = await space(estate)
    assert found.labels["tier"] == "gold" and "other" not in found.labels
    await estate.remove_application()
    await estate.application_gone()
    await estate.refresh(second)
    await until(estate, tier="lead", other="x")


async def test_a_namespace_that_another_application_declares_is_left_to_it(estate: Estate) -> None:
    other = f"{estate.name}-space"
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {other}, labels: {{tier: gold}}}}\n"
    revision = await estate.given({"space/ns.yaml": namespace, "app/a.yaml": config("a")})
    await estate.app("space")
    await estate.settled(revision)
    await estate.app("app", name=other, policy=kept(labels={"tier": "lead"}))
    await estate.settled(revision, other)
    assert "is part of application" in await estate.condition("SharedResourceWarning", other)
    assert (await space(estate, other)).labels["tier"] == "gold"


async def test_a_project_that_permits_no_namespaces_gets_none_labelled(estate: Estate) -> None:
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": estate.name, "namespace": estate.engine.namespace},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]},
    }
    await estate.make(project)
    await estate.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": estate.name}})
    await estate.given({"app/a.yaml": config("a")})
    level = "pod-security.kubernetes.io/enforce"
    policy = {**kept(labels={level: "privileged"}), "retry": {"limit": 0}}
    await estate.app("app", automated=AUTOMATED, policy=policy, spec={"project": estate.name})
    assert "resource :Namespace is not permitted" in await estate.condition("SyncError")
    assert level not in (await space(estate)).labels
