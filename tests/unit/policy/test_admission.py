"""What one application may do: the rules that no list of a project says by itself."""

from typing import Any

import pytest
from tests.unit.policy.conftest import EVERYTHING, Build

from trueup.model.application import Destination
from trueup.model.resource import ResourceKey
from trueup.policy import Deploy, Effect, Fetch, Label, ObjectChange, RepositoryPush, permits, refusal
from trueup.policy.project import limitless

SERVER = "https://kubernetes.default.svc"
ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "admin")
WEB = ResourceKey("", "ConfigMap", "shop", "web")
SPACE = ResourceKey("", "Namespace", "", "shop")


def change(key: ResourceKey = WEB, *, namespaced: bool | None = None, server: str = SERVER) -> ObjectChange:
    scope = bool(key.namespace) if namespaced is None else namespaced
    return ObjectChange(key=key, namespaced=scope, server=server, cluster="")


def label(*, own: bool) -> Label:
    return Label(change=change(SPACE), own=own)


REPOSITORY = "https://git.example/shop"
EFFECTS: dict[str, Effect] = {
    "a source": Fetch(REPOSITORY),
    "a repository to write to": RepositoryPush(REPOSITORY),
    "a destination": Deploy(Destination(server=SERVER, namespace="shop")),
    "an object": change(),
    "an object of the cluster": change(ROLE),
    "labels of a namespace": label(own=True),
}


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
def test_a_missing_project_permits_nothing_and_one_without_a_specification_neither(
    build: Build, effect: Effect
) -> None:
    app, project = build.app(), build.project()
    empty = build.project(sourceRepos=[], destinations=[], clusterResourceWhitelist=[])
    assert refusal(project, app, effect) == ""
    assert refusal(None, app, effect) == 'app is not allowed in project "team", or the project does not exist'
    assert refusal(empty, app, effect)
    assert "is not permitted to use project" in refusal(project, build.app(namespace="tenant"), effect)


def only(**entry: str) -> list[dict[str, str]]:
    return [{"server": "*", "namespace": "*"} | entry]


CLUSTERS: dict[str, tuple[list[dict[str, str]], bool]] = {
    "everywhere": (only(), True),
    "in one namespace": (only(namespace="shop"), True),
    "on another cluster": (only(server="https://other.example"), False),
    "on a cluster that is denied": ([*only(), *only(server=f"!{SERVER}")], False),
    "on a cluster of which all namespaces are denied": ([*only(), *only(namespace="!*")], False),
    "on a cluster of which one namespace is denied": ([*only(), *only(namespace="!shop")], True),
    "nowhere": ([], False),
}


@pytest.mark.parametrize("where", CLUSTERS)
def test_an_object_of_the_cluster_needs_a_cluster_that_is_permitted(build: Build, where: str) -> None:
    destinations, expected = CLUSTERS[where]
    assert (refusal(build.project(destinations=destinations), build.app(), change(ROLE)) == "") is expected


@pytest.mark.parametrize("server", [SERVER, f"{SERVER}/", f"{SERVER}//"])
@pytest.mark.parametrize("denied", [f"!{SERVER}", f"!{SERVER}/"])
def test_a_slash_at_the_end_is_no_other_cluster(build: Build, server: str, denied: str) -> None:
    project = build.project(destinations=[*only(), *only(server=denied)])
    target = Deploy(Destination(server=server, namespace="shop"))
    assert "do not match any of the allowed" in refusal(project, build.app(), target)
    assert refusal(build.project(destinations=only(server=denied[1:])), build.app(), target) == ""


def test_a_namespaced_object_without_a_namespace_is_none_of_the_cluster(build: Build) -> None:
    nowhere = ResourceKey("", "ConfigMap", "", "web")
    told = refusal(build.project(), build.app(), change(nowhere, namespaced=True))
    assert told.startswith("Namespace for ConfigMap web is missing")


NAMESPACES = [{"group": "", "kind": "Namespace"}]
TENANTS: dict[str, dict[str, Any]] = {
    "one that lists kinds": {"clusterResourceWhitelist": NAMESPACES},
    "one that names objects": {"clusterResourceWhitelist": [{"group": "*", "kind": "*", "name": "s*"}]},
    "one that lists namespaces": {"destinations": only(namespace="shop")},
    "one that denies a namespace": {"destinations": [*only(), *only(namespace="!kube-system")]},
    "one that denies a kind": {"namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}]},
    "one that permits some kinds": {"namespaceResourceWhitelist": [{"group": "", "kind": "ConfigMap"}]},
}


@pytest.mark.parametrize("limits", TENANTS.values(), ids=TENANTS)
def test_a_project_with_limits_labels_its_own_namespaces_alone(build: Build, limits: dict[str, Any]) -> None:
    project, app = build.project(**limits), build.app()
    assert not limitless(project)
    assert refusal(project, app, label(own=True)) == ""
    assert "namespace shop was not created for" in refusal(project, app, label(own=False))


def test_a_project_without_limits_labels_any_namespace(build: Build) -> None:
    assert limitless(build.project())
    assert refusal(build.project(), build.app(), label(own=False)) == ""


def test_the_reason_for_a_cluster_names_it(build: Build) -> None:
    project = build.project(**EVERYTHING | {"destinations": only(server="https://other.example")})
    told = permits(project, server=SERVER, cluster_name="", key=ROLE, namespaced=False)
    assert told == f"cluster {SERVER} is not permitted in project 'team'"
