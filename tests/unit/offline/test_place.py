"""The file that a problem is about."""

import pytest
from tests.support.memtree import MemTree

from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.offline.place import file_of_error, file_of_object, sets

ERRORS = {
    "a manifest, with its line": ("waves/a.yaml:3:7: mapping values are not allowed", "waves", "waves/a.yaml:3"),
    "a manifest, without": ("waves/config.json: it has no kind", "waves", "waves/config.json"),
    "a template": (
        "helm: execution error at (charts/blog/templates/web.yaml:15:16): set it",
        "charts/blog",
        "charts/blog/templates/web.yaml:15",
    ),
    "a chart's own file": ("helm/Chart.yaml is missing or invalid", "helm", "helm/Chart.yaml"),
    "a tool's message": ("kustomize: accumulating resources", "overlays/a", "overlays/a"),
    "Jsonnet by its own name": ("a/b.jsonnet: RUNTIME ERROR: no", "a", "a/b.jsonnet"),
    "the root": ("too large", "", "."),
}


@pytest.mark.parametrize("case", ERRORS)
def test_the_message_of_a_render_names_its_file(case: str) -> None:
    message, path, file = ERRORS[case]
    assert file_of_error(message, path) == file


BASE = "kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, template: {spec: {containers: [{image: a}]}}}\n"
PATCH = "kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n"
SERVICE = "kind: Service\nmetadata: {name: web}\nspec: {}\n"
TREE = MemTree({"base/all.yaml": f"{SERVICE}---\n{BASE}", "patch.yaml": PATCH, "odd.yaml": "a: [", "k.yaml": "kind: K"})
FILES = [(path, TREE) for path in ("base/all.yaml", "odd.yaml", "k.yaml", "patch.yaml")]

OBJECTS = {
    "the last file that sets the field": ("Deployment", "pre-web", "spec.replicas", "patch.yaml:3"),
    "a field within a list": (
        "Deployment",
        "web",
        "spec.template.spec.containers[0].image",
        "base/all.yaml:7",
    ),
    "the first file where none sets it": ("Deployment", "web", "spec.strategy", "base/all.yaml:5"),
    "the first file for the object itself": ("Service", "web", "", "base/all.yaml:1"),
    "the build where no file has it": ("ConfigMap", "web", "", "kustomize overlay"),
}


@pytest.mark.parametrize("case", OBJECTS)
def test_an_object_of_a_kustomization_is_found_in_its_files(case: str) -> None:
    kind, name, field, file = OBJECTS[case]
    manifest = Manifest(
        key=ResourceKey("", kind, "", name), api_version="v1", body=b"{}", digest="", origin="kustomize overlay"
    )
    assert file_of_object(manifest, FILES, field) == file


@pytest.mark.parametrize(
    ("field", "expected"),
    [("a.b", True), ("a.c", False), ("l[0].x", True), ('l[k="v"].x', True), ("l[0].z", False), ("", True)],
)
def test_a_field_is_set_or_not(field: str, expected: bool) -> None:
    assert sets({"a": {"b": 1}, "l": [{"x": 1}, {"y": 2}]}, field) is expected
