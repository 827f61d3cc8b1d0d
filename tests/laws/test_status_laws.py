"""What we write of our own kinds is stored as it is by Argo CD's definitions of them, and by ours."""

from collections.abc import Callable
from functools import cache
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from tests.support import argocd
from tests.support.values import TEXTS, Overrides, values_of

from kubegrammar.patch import merge_diff, merge_patch
from pocketkube.cluster.custom import CustomBehaviour
from trueup.model.application import Application, Operation, ResourceRule
from trueup.model.fields import Fields, Metadata
from trueup.model.project import Project, ProjectSpec, ProjectStatus
from trueup.model.source import SyncSource
from trueup.model.status import Status
from trueup.store.crds import REQUIRED, application_crd, project_crd

DEFINITIONS: dict[str, Callable[[], dict[str, Any]]] = {"ours": application_crd}
PROJECTS: dict[str, Callable[[], dict[str, Any]]] = {"ours": project_crd}
if argocd.PRESENT:
    DEFINITIONS["Argo CD's"] = lambda: argocd.definition("application")
    PROJECTS["Argo CD's"] = lambda: argocd.definition("appproject")

LIMITS: Overrides = {
    # The server's own; it has a schema for them everywhere.
    (Application, "metadata"): st.just(Metadata(name="web", namespace="argocd")),
    (Application, "api_version"): st.just("argoproj.io/v1alpha1"),
    (Application, "kind"): st.just("Application"),
    (Project, "metadata"): st.just(Metadata(name="web", namespace="argocd")),
    (Project, "api_version"): st.just("argoproj.io/v1alpha1"),
    (Project, "kind"): st.just("AppProject"),
    # Never written by us: kept as they were found.
    (Status, "source_hydrator"): st.none(),
    (Project, "status"): st.just(ProjectStatus()),
    (ProjectSpec, "source_integrity"): st.none(),
    (ResourceRule, "name"): st.just(""),
    (ProjectSpec, "roles"): st.just([]),
    (ProjectSpec, "description"): TEXTS.map(lambda text: text[:255]),
    # Argo CD's definition forbids the repository's root.
    (SyncSource, "path"): st.just("manifests"),
}


@cache
def behaviour(of: Callable[[], dict[str, Any]]) -> CustomBehaviour:
    return CustomBehaviour(of()["spec"])


def refusals(of: Callable[[], dict[str, Any]], **parts: Any) -> list[str]:
    """What a server with this definition says to an object with these parts, and what it would drop of them."""
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web"}, **parts}
    known = behaviour(of)
    dropped = [f"{path}: unknown" for path in known.prune(body, "v1alpha1")]
    return dropped + [f"{cause.field}: {cause.message}" for cause in known.validate(body, "v1alpha1")]


def written(value: Fields) -> dict[str, Any]:
    """As a merge patch leaves it on the server."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    stored = merge_patch({}, merge_diff({}, plain))
    assert isinstance(stored, dict)
    return stored


SPEC = {"project": "default", "destination": {}}
LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("of", DEFINITIONS.values(), ids=DEFINITIONS)
@LAW
@given(status=values_of(Status, LIMITS))
def test_every_status_is_stored(of: Callable[[], dict[str, Any]], status: Status) -> None:
    assert refusals(of, spec=SPEC, status=written(status)) == []


@pytest.mark.parametrize("of", DEFINITIONS.values(), ids=DEFINITIONS)
@LAW
@given(operation=values_of(Operation, LIMITS))
def test_every_operation_is_stored(of: Callable[[], dict[str, Any]], operation: Operation) -> None:
    assert refusals(of, spec=SPEC, operation=written(operation)) == []


@pytest.mark.parametrize("of", DEFINITIONS.values(), ids=DEFINITIONS)
@LAW
@given(app=values_of(Application, LIMITS))
def test_every_application_is_stored(of: Callable[[], dict[str, Any]], app: Application) -> None:
    assert refusals(of, **written(app)) == []


@pytest.mark.parametrize("of", PROJECTS.values(), ids=PROJECTS)
@LAW
@given(project=values_of(Project, LIMITS))
def test_every_project_is_stored(of: Callable[[], dict[str, Any]], project: Project) -> None:
    assert refusals(of, **written(project)) == []


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        pytest.param(type_, name, id=f"{type_.__name__}.{name}")
        for type_, names in REQUIRED.items()
        for name in names
        if not next(field for field in msgspec.structs.fields(type_) if field.name == name).required
    ],
)
def test_a_required_field_is_written_even_when_it_is_empty(type_: type[Fields], name: str) -> None:
    fields = msgspec.structs.fields(type_)
    needed = {field.name: 0 if field.type is int else "" for field in fields if field.required}
    encoded = next(field.encode_name for field in fields if field.name == name)
    assert encoded in msgspec.to_builtins(type_(**needed))
