"""The rights files: what is in them, and that they are those of the documentation."""

import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kubegrammar import yaml
from trueup.store.rights import Shape, rights

FOLDER = Path(__file__).parents[3] / "docs" / "rights"
FILES: dict[str, tuple[Shape, tuple[str, ...], bool]] = {
    "single-cluster": (Shape.SINGLE_CLUSTER, (), False),
    "single-cluster-impersonating": (Shape.SINGLE_CLUSTER, ("team-a",), True),
    "many-clusters": (Shape.MANY_CLUSTERS, (), False),
    "many-clusters-destination": (Shape.DESTINATION, (), False),
    "namespaced": (Shape.NAMESPACED, ("team-a",), False),
    "namespaced-impersonating": (Shape.NAMESPACED, ("team-a",), True),
}
EVERY = [
    rights(shape, "argocd", ["team-a"], impersonating=impersonating)
    for shape, impersonating in product(Shape, (False, True))
]


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_those_of_the_documentation(name: str) -> None:
    """Written anew by ``UPDATE_GOLDEN=1 pytest tests/unit/store``; then read the difference before you commit it."""
    shape, managed, impersonating = FILES[name]
    text = "---\n".join(yaml.dump(each) for each in rights(shape, "argocd", managed, impersonating=impersonating))
    file = FOLDER / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert file.read_text() == text


def test_two_engines_of_one_cluster_have_nothing_in_common() -> None:
    """A namespace may be called as another's roles are."""

    def named(shape: Shape, namespace: str, impersonating: bool) -> set[tuple[str, str, str]]:
        made = rights(shape, namespace, ["team-a"], impersonating=impersonating)
        return {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in made}

    for other in ("argocd", "manager", "manager-reads", "reads"):
        for shape, another, impersonating in product(Shape, Shape, (False, True)):
            if {shape, another} != {Shape.DESTINATION}:
                assert not named(shape, "x", impersonating) & named(another, other, impersonating)


def rules(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for manifest in manifests for rule in manifest.get("rules") or []]


@pytest.mark.parametrize("manifests", EVERY)
def test_nothing_is_given_by_a_star_and_no_subresource_at_all(manifests: list[dict[str, Any]]) -> None:
    for rule in rules(manifests):
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not any("*" in word or "/" in word for word in words)
        assert not {"escalate", "bind", "deletecollection", "approve", "sign"} & set(rule["verbs"])
        assert "impersonate" not in rule["verbs"] or rule["resources"] == ["serviceaccounts"]


@pytest.mark.parametrize("manifests", EVERY)
def test_nobody_may_act_as_others_in_the_whole_cluster(manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        if any("impersonate" in rule["verbs"] for rule in manifest.get("rules") or []):
            assert manifest["metadata"]["namespace"] == "team-a"


def test_who_acts_as_others_may_write_nothing_but_its_own_objects() -> None:
    for shape in (Shape.SINGLE_CLUSTER, Shape.NAMESPACED, Shape.DESTINATION):
        for manifest in rights(shape, "argocd", ["team-a"], impersonating=True):
            control = manifest["metadata"].get("namespace") == "argocd"
            verbs = {verb for rule in manifest.get("rules") or [] for verb in rule["verbs"]}
            assert control or verbs <= {"get", "list", "watch", "impersonate"}


def test_rights_over_some_namespaces_name_those_and_the_control_namespace_alone() -> None:
    manifests = rights(Shape.NAMESPACED, "argocd", ["team-a", "team-b", "team-a"])
    assert not any(manifest["kind"].startswith("Cluster") for manifest in manifests)
    places = [manifest["metadata"]["namespace"] for manifest in manifests if manifest["kind"] == "Role"]
    assert places == ["argocd", "team-a", "team-b"]
