"""What a project does not permit has no effect, by whatever way it is asked for."""

from typing import Any

import msgspec
from tests.conftest import EMBEDDED, on_embedded, on_kubernetes
from tests.e2e.conftest import Migrate
from tests.e2e.estate import AUTOMATED, Estate, play_repository
from tests.e2e.manifests import config, deployment, wave
from tests.support.tiers import everywhere

from trueup.controllers.operation import SWAPPED
from trueup.model.annotations import API_VERSION, HOOK, NAMESPACE_OF, SYNC_OPTIONS, TRACKING_ID
from trueup.model.status import OperationPhase
from trueup.store.install import install

SERVER = "https://kubernetes.default.svc"
LEVEL = "pod-security.kubernetes.io/enforce"
NAMESPACES = [{"group": "", "kind": "Namespace"}]
DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.NAME.example.com, annotations: {argocd.argoproj.io/tracking-id: "MARK"}}
spec:
  group: NAME.example.com
  scope: Namespaced
  names: {plural: lamps, singular: lamp, kind: Lamp}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


async def project(estate: Estate, name: str = "", **spec: Any) -> str:
    """A project that permits the estate's namespace and repository, unless told otherwise."""
    name = name or estate.name
    body = {
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": estate.engine.namespace},
        "spec": {
            "sourceRepos": [estate.repository.url],
            "destinations": [{"server": "*", "namespace": estate.name}],
            **spec,
        },
    }
    await estate.make(body)
    return name


async def drop_project(estate: Estate, name: str) -> None:
    await estate.remove("AppProject", name, group="argoproj.io", namespace=estate.engine.namespace)


async def marked(estate: Estate, name: str, app: str, namespace: str) -> None:
    """An object that is left over from an application."""
    mark = f"{app}:/ConfigMap:{namespace}/{name}"
    metadata = {"name": name, "namespace": namespace, "annotations": {TRACKING_ID: mark}}
    await estate.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


@on_kubernetes
async def test_a_repository_that_is_not_permitted_is_deployed_by_no_operation_nor_by_a_status(estate: Estate) -> None:
    secret = play_repository(estate.repository.folder.with_name(f"{estate.name}-private"))
    secret.folder.mkdir(parents=True)
    await secret.git("init", "--quiet", "--initial-branch=main")
    (secret.folder / "secret.yaml").write_text(config("secret"))
    commit = await secret.commit("secret")
    await estate.given({"app/a.yaml": config("a")})
    await project(estate, clusterResourceWhitelist=NAMESPACES)
    await estate.app("app", automated=None, spec={"project": estate.name})
    await estate.sync()
    source = {"repoURL": secret.url, "path": ".", "targetRevision": "HEAD"}
    for asked in ({"source": source}, {"sources": [source]}, {"source": source, "revision": commit}):
        state = (await estate.sync(**asked)).status.operation_state
        assert state is not None and state.phase is OperationPhase.ERROR
        assert f"application repo {secret.url} is not permitted" in state.message
    forged = {
        "operation": {"sync": {"source": source}},
        "phase": "Running",
        "startedAt": "2026-01-01T00:00:00Z",
        "syncResult": {"revision": commit, "source": source, "resources": []},
    }
    await estate.patch({"status": {"operationState": forged}})
    view = await estate.until(
        lambda view: bool(view.status.operation_state and view.status.operation_state.phase is OperationPhase.ERROR),
        what="refused",
    )
    assert view.status.operation_state is not None and "is not permitted" in view.status.operation_state.message
    assert await estate.names("ConfigMap") == ["a", "kube-root-ca.crt"]
    known = [found.name for found in (estate.engine.folder / "data" / "mirrors").rglob("*-private*")]
    assert not known, "what is not permitted is not even fetched"


@everywhere
@on_kubernetes
async def test_no_object_that_is_forbidden_by_now_is_written_for_a_status_that_says_it_has_begun(
    estate: Estate,
) -> None:
    commit = await estate.given({"app/a.yaml": config("a")})
    denied = [{"group": "", "kind": "ConfigMap"}]
    await project(estate, clusterResourceWhitelist=NAMESPACES, namespaceResourceBlacklist=denied)
    await estate.app("app", automated=None, spec={"project": estate.name})
    await estate.until(lambda view: view.status.sync is not None)
    done = {"version": "v1", "kind": "Service", "namespace": estate.name, "name": "x", "status": "Synced"}
    forged = {
        "operation": {"sync": {"syncOptions": ["CreateNamespace=true"]}, "initiatedBy": {"automated": True}},
        "phase": "Running",
        "startedAt": "2026-01-01T00:00:00Z",
        "syncResult": {"revision": commit, "resources": [{**done, "group": "", "syncPhase": "Sync"}]},
    }
    patch = msgspec.json.encode({"status": {"operationState": forged}})
    where = (estate.application, estate.engine.namespace, estate.name)
    await estate.client.patch(*where, patch, kind="merge", manager="kubectl-patch")
    view = await estate.until(
        lambda view: bool(view.status.operation_state and view.status.operation_state.phase is OperationPhase.FAILED),
        what="failed",
    )
    assert view.status.operation_state is not None
    assert "resource :ConfigMap is not permitted" in view.status.operation_state.message
    assert await estate.live("ConfigMap", "a") is None
    await estate.event("OperationCompleted", "automated initiated sync")


@on_embedded
async def test_a_sync_of_a_commit_deploys_no_manifests_that_are_put_into_its_status(estate: Estate) -> None:
    waiting = deployment(pod_annotations="{trueup.dev/simulate: never-ready}")
    revision = await estate.given({"app/web.yaml": waiting, "app/a.yaml": config("a", annotations=wave(1))})
    await estate.app("app", automated=None)
    await estate.patch({"operation": {"sync": {}, "initiatedBy": {"username": "tester"}}})
    await estate.eventually(lambda: there(estate), what="the first wave is applied")
    await estate.patch(
        {"status": {"operationState": {"operation": {"sync": {"manifests": [config("never-committed")]}}}}}
    )
    view = await estate.until(
        lambda view: bool(view.status.operation_state and view.status.operation_state.phase is OperationPhase.ERROR),
        what="ended in Error",
    )
    state = view.status.operation_state
    assert state is not None and state.message.startswith(SWAPPED) and not view.status.history, revision
    assert state.operation.sync is not None and not state.operation.sync.manifests
    assert "never-committed" not in await estate.names("ConfigMap")


async def there(estate: Estate) -> bool:
    return await estate.live("Deployment", "web", group="apps") is not None


@on_kubernetes
async def test_without_its_project_an_application_deletes_nothing_and_says_how_to_go_on(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a")})
    other = f"{estate.name}-other"
    for name in (estate.name, other):
        await estate.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        await marked(estate, "left", estate.name, name)
    await estate.app("app", spec={"project": f"{estate.name}-nowhere"})
    await estate.condition("InvalidSpecError")
    await estate.remove_application()
    told = await estate.condition("DeletionHeldWarning")
    assert f"project {estate.name}-nowhere which does not exist" in told and "--no-cascade" in told
    for name in (estate.name, other):
        found = await estate.live("ConfigMap", "left", namespace=name)
        assert found is not None and not found.deletion_timestamp
    await project(estate, f"{estate.name}-nowhere")
    await estate.application_gone()
    assert await estate.live("ConfigMap", "left") is None, "what the project permits"
    assert await estate.live("ConfigMap", "left", namespace=other) is not None, "what it does not"
    await drop_project(estate, f"{estate.name}-nowhere")


@on_kubernetes
async def test_a_mark_on_a_definition_lets_no_other_application_prune_it(estate: Estate) -> None:
    victim, name = f"{estate.name}-b", f"lamps.{estate.name}.example.com"
    mark = f"{victim}:apiextensions.k8s.io/CustomResourceDefinition:{victim}/{name}"
    definition = DEFINITION.replace("NAME", estate.name).replace("MARK", mark)
    await estate.given({"app/crd.yaml": definition, "b/b.yaml": config("b")})
    await estate.app("b", name=victim)
    await estate.settled(name=victim)
    await estate.app("app")
    await estate.settled()
    found = await estate.live("CustomResourceDefinition", name, group="apiextensions.k8s.io")
    assert found is not None and TRACKING_ID not in found.annotations
    # As an earlier engine or a person may have left it.
    await estate.change(
        "CustomResourceDefinition",
        name,
        {"metadata": {"annotations": {TRACKING_ID: mark}}},
        group="apiextensions.k8s.io",
    )
    revision = await estate.commit({"b/b.yaml": config("b", "blue")})
    view = await estate.settled(revision, victim)
    assert {line.kind for line in view.status.resources} == {"ConfigMap"}
    await estate.remove_application(victim)
    await estate.application_gone(victim)
    found = await estate.live("CustomResourceDefinition", name, group="apiextensions.k8s.io")
    assert found is not None and not found.deletion_timestamp


@on_kubernetes
async def test_a_namespace_of_somebody_else_keeps_its_labels(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a")})
    mine, foreign = estate.name, f"{estate.name}-foreign"
    await project(
        estate,
        clusterResourceWhitelist=NAMESPACES,
        destinations=[{"server": "*", "namespace": f"{estate.name}*"}],
    )
    labels = {LEVEL: "restricted"}
    await estate.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": foreign, "labels": labels}})
    stolen = f"other:/Namespace:{mine}/{mine}"
    metadata = {"labels": {LEVEL: "privileged"}, "annotations": {TRACKING_ID: stolen, NAMESPACE_OF: "other", "a": "b"}}
    policy = {"managedNamespaceMetadata": metadata}
    for name in (foreign, mine):
        await estate.app("app", name=name, policy=policy, spec={"project": estate.name})
        await estate.settled(name=name)
    assert "was not created for" in await estate.condition("NamespaceMetadataWarning", foreign)
    kept, made = await estate.live("Namespace", foreign), await estate.live("Namespace", mine)
    assert kept is not None and made is not None
    assert kept.labels[LEVEL] == "restricted" and NAMESPACE_OF not in kept.annotations
    assert made.labels[LEVEL] == "privileged", "what it created is its own"
    assert made.annotations == {"a": "b", NAMESPACE_OF: mine}
    await drop_project(estate, estate.name)


@on_kubernetes
async def test_an_application_outside_the_control_namespace_is_woken_by_no_mark(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a")})
    await estate.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": estate.name}})
    spec = {
        "project": "default",
        "source": {"repoURL": estate.repository.url, "path": "app"},
        "destination": {"server": SERVER, "namespace": estate.name},
        "syncPolicy": {"automated": AUTOMATED},
    }
    stray = {"apiVersion": API_VERSION, "kind": "Application", "metadata": {"name": "stray"}, "spec": spec}
    await estate.make(stray)
    await estate.app("app")
    await estate.settled()
    await marked(estate, "lure", f"{estate.name}_stray", estate.name)
    await estate.change("ConfigMap", "lure", {"data": {"x": "y"}})
    await estate.commit({"app/a.yaml": config("a", "blue")})
    await estate.refresh()
    found = await estate.live("Application", "stray", group="argoproj.io")
    assert found is not None and "status" not in found.object()


async def test_without_the_default_project_nothing_in_it_is_permitted_and_nobody_makes_it_anew(
    migrate: Migrate,
) -> None:
    estate = await migrate(EMBEDDED, [])
    binding = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everything}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: User, name: mallory, apiGroup: rbac.authorization.k8s.io}]
"""
    await estate.given({"app/a.yaml": config("a"), "b/b.yaml": config("b"), "c/c.yaml": binding})
    await estate.app("app")
    await estate.settled()
    await project(estate)
    await drop_project(estate, "default")
    assert "project default which does not exist" in await estate.condition("InvalidSpecError")
    await estate.engine.stop()
    await install(estate.client, estate.engine.namespace, lambda _: None)
    await estate.engine.start()
    await estate.commit({"app/a.yaml": None, "app/c.yaml": binding})
    await estate.app("c", name=f"{estate.name}-c")
    assert "project default" in await estate.condition("InvalidSpecError", f"{estate.name}-c")
    await estate.refresh()
    assert await estate.live("ConfigMap", "a") is not None
    assert await estate.live("ClusterRoleBinding", "everything", group="rbac.authorization.k8s.io") is None
    assert await estate.live("AppProject", "default", group="argoproj.io", namespace=estate.engine.namespace) is None


FORGED: dict[str, dict[str, Any]] = {
    "held": {"finalizers": ["example.com/never"]},
    "confirmed": {"annotations": {SYNC_OPTIONS: "Prune=confirm,Delete=confirm"}},
    "hook": {"annotations": {HOOK: "Sync"}, "finalizers": ["example.com/never"]},
}


@on_kubernetes
async def test_marks_that_somebody_writes_beside_an_application_stop_nothing_of_it(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a"), "app/b.yaml": config("b")})
    await estate.app("app")
    await estate.settled()
    for name, others in FORGED.items():
        annotations = {TRACKING_ID: f"{estate.name}:/ConfigMap:{estate.name}/{name}", **others.get("annotations", {})}
        metadata = {**others, "name": name, "namespace": estate.name, "annotations": annotations}
        await estate.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    revision = await estate.commit({"app/a.yaml": config("a", "blue"), "app/b.yaml": None})
    view = await estate.settled(revision)
    assert [line.name for line in view.status.resources] == ["a"]
    told = [each.message for each in view.status.conditions if each.type == "TrackingMarkWarning"]
    assert len(told) == 1, told
    assert all(f"ConfigMap {estate.name}/{name}" in told[0] for name in FORGED)
    assert await estate.live("ConfigMap", "b") is None, "what it has deployed itself is pruned"
    await estate.remove_application()
    await estate.application_gone()
    assert await estate.live("ConfigMap", "a") is None
    for name in FORGED:
        found = await estate.live("ConfigMap", name)
        assert found is not None and not found.deletion_timestamp
        await estate.change("ConfigMap", name, {"metadata": {"finalizers": None}})
