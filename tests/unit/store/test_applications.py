"""Applications as they lie on the server, whatever is in them."""

from typing import Any

import msgspec
import pytest

from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.discovery import Discovery
from trueup.kube.object import read_object
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.store.applications import Applications, StoredApplication, decode
from trueup.store.projects import read_project

SPEC = {"project": "default", "source": {"repoURL": "https://git.example/x", "path": "."}}


def stored(**fields: Any) -> LiveObject:
    body = {"metadata": {"name": "web", "namespace": "argocd", "finalizers": ["x/y"]}, "spec": SPEC, **fields}
    key = ResourceKey("argoproj.io", "Application", "argocd", "web")
    encoded = msgspec.json.encode(body)
    return LiveObject(key=key, api_version="argoproj.io/v1alpha1", uid="u", resource_version="1", body=encoded)


UNREADABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "a specification": ({"spec": {"source": {"repoURL": 5}}}, "$.spec.source.repoURL", ""),
    "an operation": ({"operation": {"sync": {"revision": 5}}}, "", "$.operation.sync.revision"),
    "an operation that is no object": ({"operation": "sync"}, "", "$.operation"),
    "both": ({"spec": {"project": []}, "operation": 5}, "$.spec.project", ""),
    "a status": ({"status": {"sync": 5}}, "", ""),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_named_and_the_application_can_be_worked_on(what: str) -> None:
    fields, fault, operation_fault = UNREADABLE[what]
    app = decode("argocd/web", stored(**fields))
    assert app.app.metadata.finalizers == ["x/y"], "enough to let it go"
    assert fault in str(app.fault or "") and bool(fault) == bool(app.fault)
    assert operation_fault in app.operation_fault and bool(operation_fault) == bool(app.operation_fault)
    assert app.app.operation is None


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


DEEP: dict[str, tuple[dict[str, Any], str, str]] = {
    "a specification": ({"spec": {**SPEC, "x": nested(600)}}, "spec.x.a.a.a...", ""),
    "an operation": ({"operation": {"sync": nested(600)}}, "", "operation.sync.a.a.a..."),
    "a status": ({"status": {"x": nested(600)}}, "", ""),
}


@pytest.mark.parametrize("what", DEEP)
def test_what_nests_too_deeply_is_named_and_the_application_can_be_worked_on(what: str) -> None:
    fields, fault, operation_fault = DEEP[what]
    named = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
    live = read_object(msgspec.json.encode({**named, **msgspec.json.decode(stored(**fields).body)}))
    app = decode("argocd/web", live)
    assert app.app.metadata.finalizers == ["x/y"], "enough to let it go"
    told = "is nested more than 128 levels deep"
    assert (f"{fault} {told}" in str(app.fault)) if fault else app.fault is None
    assert (f"{operation_fault} {told}" in app.operation_fault) if operation_fault else not app.operation_fault
    assert app.app.operation is None


def test_a_project_that_nests_too_deeply_cannot_be_read() -> None:
    body = {"kind": "AppProject", "metadata": {"name": "p"}, "spec": {"roles": [nested(600)]}}
    with pytest.raises(InvalidSpec, match=r"spec\.roles\.a\.a\.\.\. is nested"):
        read_project(read_object(msgspec.json.encode(body)))


def test_a13_a_project_that_is_missing_permits_nothing() -> None:
    client = Client(ClusterConfig(server="https://here"))
    nothing = WatchCache(client, Discovery(client), classify=lambda _: None)
    app = msgspec.convert({"metadata": {"name": "web", "namespace": "argocd"}, "spec": {"project": "p"}}, Application)
    with pytest.raises(InvalidSpec, match="project p which does not exist"):
        Applications(nothing, "argocd").project_of(app)


PROJECTS: dict[str, Any] = {
    "no object": [],
    "a specification that is none": {"spec": None},
    "a list that is none": {"spec": {"destinations": None}},
    "a list of something else": {"spec": {"clusterResourceBlacklist": ["Namespace"]}},
    "a rule of something else": {"spec": {"namespaceResourceBlacklist": [{"group": "", "kind": 5}]}},
    "a part that permits nothing": {"spec": {"sourceRepos": ["*"], "roles": {}}},
}


@pytest.mark.parametrize("what", PROJECTS)
def test_a_project_is_read_whole_or_not_at_all(what: str) -> None:
    key = ResourceKey("argoproj.io", "AppProject", "argocd", "team")
    body = msgspec.json.encode(PROJECTS[what])
    live = LiveObject(key=key, api_version="argoproj.io/v1alpha1", uid="u", resource_version="1", body=body)
    with pytest.raises(InvalidSpec, match="project team cannot be read"):
        read_project(live)


USERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "only those of its own namespace": ({}, ["argocd/web"]),
    "those of namespaces that it takes them from": ({"sourceNamespaces": ["team-*"]}, ["argocd/web", "team-t/squat"]),
    "all, where it cannot be read": ({"sourceNamespaces": [5]}, ["argocd/web", "team-t/squat"]),
}


@pytest.mark.parametrize("rule", USERS)
def test_a_project_is_needed_by(rule: str) -> None:
    spec, users = USERS[rule]
    client = Client(ClusterConfig(server="https://here"))
    cache = WatchCache(client, Discovery(client), classify=lambda _: None)
    for namespace, name in (("argocd", "web"), ("team-t", "squat")):
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": namespace, "resourceVersion": "1", "uid": name},
            "spec": {"project": "p"},
        }
        cache._index.appeared(read_object(msgspec.json.encode(body)))
    project = {"kind": "AppProject", "metadata": {"name": "p", "namespace": "argocd"}, "spec": spec}
    assert Applications(cache, "argocd").needing(read_object(msgspec.json.encode(project))) == users


CHANGES: dict[str, dict[str, Any]] = {
    "a status": {"status": {"sync": {"status": "Synced"}}},
    "a status that cannot be read": {"status": {"sync": 5}},
    "a specification": {"spec": {**SPEC, "project": "other"}},
    "a field that is not known": {"spec": {**SPEC, "odd": 1}},
    "a specification that cannot be read": {"spec": {"source": {"repoURL": 5}}},
    "an operation": {"operation": {"sync": {"revision": "main"}}},
    "an operation that cannot be read": {"operation": {"sync": {"revision": 5}}},
    "metadata": {"metadata": {"name": "web", "namespace": "argocd", "annotations": {"a": "b"}}},
    "nothing": {},
}


@pytest.mark.parametrize("before", CHANGES)
@pytest.mark.parametrize("after", CHANGES)
def test_what_was_read_before_is_not_read_anew_and_nobody_can_tell(before: str, after: str) -> None:
    former, live = decode("argocd/web", stored(**CHANGES[before])), stored(**CHANGES[after])
    with_it, without = decode("argocd/web", live, former), decode("argocd/web", live)
    fields = [name for name in StoredApplication.__struct_fields__ if name != "fault"]
    assert [getattr(with_it, name) for name in fields] == [getattr(without, name) for name in fields]
    assert str(with_it.fault) == str(without.fault)
    if {before, after} <= {"a status", "nothing", "metadata"}:
        assert with_it.app.spec is former.app.spec
