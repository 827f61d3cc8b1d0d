"""What a backup of an installation has, and what it makes of one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.cli.admin.estate import exported, imported, is_ours, merged
from trueup.model.errors import TrueupError

TYPE = "argocd.argoproj.io/secret-type"


def body(kind: str, name: str, **more: Any) -> dict[str, Any]:
    version = "v1" if kind in ("Secret", "ConfigMap") else "argoproj.io/v1alpha1"
    metadata = {"name": name, **more.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


OURS = {
    "the settings": (body("ConfigMap", "argocd-cm"), True),
    "a map of an application": (body("ConfigMap", "settings"), False),
    "credentials": (body("Secret", "repo-1", metadata={"labels": {TYPE: "repository"}}), True),
    "a Secret of another kind": (body("Secret", "other", metadata={"labels": {TYPE: "x"}}), False),
    "an application": (body("Application", "web"), True),
    "a Pod": (body("Pod", "web"), False),
}


@pytest.mark.parametrize(("found", "ours"), OURS.values(), ids=OURS.keys())
def test_what_an_installation_consists_of(found: dict[str, Any], ours: bool) -> None:
    assert is_ours(found) is ours


def test_what_a_server_gives_an_object_is_not_exported() -> None:
    given_by_server = {"uid": "1", "resourceVersion": "2", "managedFields": [], "namespace": "argocd"}
    kept = {"labels": {"a": "b"}, "finalizers": ["f"]}
    live = body(
        "Application", "web", metadata={**given_by_server, **kept}, spec={"project": "x"}, operation={"sync": {}}
    )
    assert exported(live, "argocd") == body("Application", "web", metadata=kept, spec={"project": "x"})
    assert exported(live, "other")["metadata"]["namespace"] == "argocd"


REFUSED = {
    "another kind": ([body("Pod", "x")], "Pod is no part of a backup"),
    "another version": ([body("Application", "x") | {"apiVersion": "v1"}], "Application is no part of a backup"),
    "a Secret that is none of ours": ([body("Secret", "x")], "is no part of an installation"),
    "no name": ([body("Application", "")], "has no name"),
    "another namespace": ([body("Application", "x", metadata={"namespace": "y"})], "is for another namespace"),
    "the same twice": ([body("Application", "x"), body("Application", "x")], "is in the backup twice"),
}


@pytest.mark.parametrize(("bodies", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_backup_is_refused_before_anything_is_written(bodies: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(TrueupError, match=said):
        imported(bodies, "argocd")


def test_what_others_need_is_written_first() -> None:
    bodies = [body("Application", "a"), body("AppProject", "p"), body("ConfigMap", "argocd-cm")]
    assert [key.kind for key in imported(bodies, "argocd")] == ["ConfigMap", "AppProject", "Application"]


TEXTS = st.dictionaries(st.sampled_from("abc"), st.text("xy", max_size=2), max_size=3)
METADATA = st.fixed_dictionaries({}, optional={"labels": TEXTS, "annotations": TEXTS, "finalizers": st.just(["f"])})


@given(live=METADATA, wanted=METADATA, spec=TEXTS)
def test_what_was_exported_is_there_once_it_is_imported(
    live: dict[str, Any], wanted: dict[str, Any], spec: dict[str, str]
) -> None:
    there = body("Application", "web", metadata={**live, "uid": "1"}, spec={"old": "x"}, status={"health": "now"})
    backup = exported(body("Application", "web", metadata=wanted, spec=spec), "argocd")
    made = merged(there, backup)
    assert exported(made, "argocd") == {**backup, "status": {"health": "now"}}
    assert merged(made, backup) == made
    assert made["metadata"]["uid"] == "1"
