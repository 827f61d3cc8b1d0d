"""An estate written for Argo CD runs unchanged: argoproj/argocd-example-apps, as its authors published it.

The tests exist only where a copy lies beside the checkout, in ``../shared/examples/argocd-example-apps``; elsewhere
this module holds none. The app-of-apps is told where the copy is by the values that its chart offers, and nothing else.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.e2e.estate import EngineProcess, Estate, play_repository

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery

REPOSITORY = Path(__file__).parents[3] / "shared" / "examples" / "argocd-example-apps"
__test__ = REPOSITORY.is_dir()

ROOT = "example-apps"
BRANCH = "master"
IN_CLUSTER = "https://kubernetes.default.svc"
NO_PATH = "app path does not exist"

RUNS = {
    "guestbook": {"Deployment": 1, "Service": 1},
    "helm-guestbook": {"Deployment": 1, "Service": 1},
    "helm-hooks": {"ReplicaSet": 1, "Service": 1},
    "kustomize-guestbook": {"Deployment": 1, "Service": 1},
    "pre-post-sync": {"Deployment": 1, "Service": 1},
    "sock-shop": {"Deployment": 14, "Service": 14, "Ingress": 1},
    "sync-waves": {"ReplicaSet": 2, "Service": 2},
}
"""What each application that can run runs, hooks apart."""

PHASES = {
    "helm-hooks": {
        "upgrade-sql-schema": "PreSync",
        "maint-page-up": "PreSync",
        "frontend": "Sync",
        "maint-page-down": "PostSync",
    },
    "pre-post-sync": {
        "pre-post-sync-before": "PreSync",
        "pre-post-sync-kustomize-guestbook-ui": "Sync",
        "pre-post-sync-after": "PostSync",
    },
    "sync-waves": {
        "upgrade-sql-schema": "PreSync",
        "backend": "Sync",
        "maint-page-up": "Sync",
        "frontend": "Sync",
        "maint-page-down": "Sync",
    },
}
"""The order in which names first appear in the results of the ordered ones, each with its phase."""

REFUSED = {
    "helm-dependency": ("helm-dependency/Chart.yaml", "wordpress 9.0.3", "https://charts.helm.sh/stable"),
    "jsonnet-guestbook": (f"jsonnet-guestbook: {NO_PATH}",),
    "jsonnet-guestbook-tla": (f"jsonnet-guestbook-tla: {NO_PATH}",),
    "plugin-kasane": (f"plugins/kasane: {NO_PATH}",),
    "plugin-kustomized-helm": (f"plugins/kustomized-helm: {NO_PATH}",),
    "plugin-nix": (f"plugins/nix: {NO_PATH}",),
}
"""What the ComparisonError of those that cannot be rendered names."""


@pytest_asyncio.fixture(scope="module")
async def published(engine: EngineProcess, client: Client, repositories: Path) -> AsyncIterator[Estate]:
    """The app-of-apps over a copy of the repository."""
    discovery = Discovery(client)
    await discovery.refresh()
    repository = play_repository(repositories / ROOT)
    await repository.create(REPOSITORY)
    await repository.git("branch", "--move", BRANCH)
    estate = Estate(client, discovery, engine, repository, ROOT)
    source = {"repoURL": repository.url, "targetRevision": BRANCH}
    values = {"config": {"spec": {"source": source, "destination": {"server": IN_CLUSTER}}}}
    await estate.app("apps", targetRevision=BRANCH, helm={"valuesObject": values})
    yield estate
    names = (*RUNS, *REFUSED, "blue-green")
    # The namespaces carry the bare names, and go with the applications.
    estate.made += [application(name) for name in names] + list(names)
    await estate.close()


def application(name: str) -> str:
    return f"example.{name}"


async def test_the_app_of_apps_is_synced_and_healthy_whatever_its_children_are(published: Estate) -> None:
    view = await published.settled()
    children = {application(name) for name in (*RUNS, *REFUSED, "blue-green")}
    assert {resource.name for resource in view.status.resources} == children


@pytest.mark.parametrize("name", RUNS)
async def test_what_can_run_becomes_synced_and_healthy(published: Estate, name: str) -> None:
    view = await published.settled(name=application(name))
    assert view.status.conditions == []
    kinds: dict[str, int] = {}
    for resource in view.status.resources:
        if not resource.hook:
            assert (resource.status, resource.health and resource.health.status) == ("Synced", "Healthy"), resource.name
            kinds[resource.kind] = kinds.get(resource.kind, 0) + 1
    assert kinds == RUNS[name]
    state = view.status.operation_state
    assert state is not None and state.phase == "Succeeded" and state.retry_count == 0
    assert len(view.status.history) == 1


@pytest.mark.parametrize("name", PHASES)
async def test_hooks_and_waves_run_in_their_order(published: Estate, name: str) -> None:
    view = await published.settled(name=application(name))
    state = view.status.operation_state
    assert state is not None and state.sync_result is not None
    order: dict[str, str] = {}
    for result in state.sync_result.resources:
        # A generated name is the prefix, the revision, the phase and the time.
        named = next((known for known in PHASES[name] if result.name.startswith(known)), "")
        if result.kind != "Namespace":
            order.setdefault(named, result.sync_phase)
    assert list(order.items()) == list(PHASES[name].items())


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_rendered_says_why_and_deploys_nothing(published: Estate, name: str) -> None:
    message = await published.condition("ComparisonError", application(name))
    for part in REFUSED[name]:
        assert part in message
    view = await published.view(application(name))
    assert view.status.sync is not None and view.status.sync.status == "Unknown"
    assert view.status.resources == [] and view.status.operation_state is None
    assert await published.live("Namespace", name) is None


async def test_a_kind_the_cluster_lacks_is_named_before_anything_is_written_and_tried_again(published: Estate) -> None:
    view = await published.until(
        lambda view: view.status.operation_state is not None and view.status.operation_state.retry_count >= 1,
        application("blue-green"),
        what="tried again",
    )
    state = view.status.operation_state
    assert state is not None and "Retrying attempt #" in state.message
    assert "one or more synchronization tasks are not valid" in state.message
    assert 'Make sure the "Rollout" CRD is installed' in state.message
    assert state.sync_result is not None
    assert [(r.kind, r.status) for r in state.sync_result.resources] == [("Rollout", "SyncFailed")]
    assert view.status.sync is not None and view.status.sync.status == "OutOfSync"
    assert {(r.kind, r.status) for r in view.status.resources} == {("Service", "OutOfSync"), ("Rollout", "OutOfSync")}
    assert await published.live("Namespace", "blue-green") is None, "the whole set is checked first"
