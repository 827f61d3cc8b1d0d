"""Which files of a repository declare Applications."""

import pytest
from tests.support.memtree import Link, MemTree

from trueup.offline.applications import find_applications

APP = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s}
spec: {source: {repoURL: 'https://git.example.com/a', path: web}, destination: {namespace: web}}
"""
WEB = APP % "web"

FILES = {
    "a plain file": ({"web.yaml": WEB}, {"argocd/web": "web.yaml:1"}),
    "several in one file": (
        {"all.yml": f"{WEB}---\n{APP % 'api'}"},
        {"argocd/web": "all.yml:1", "argocd/api": "all.yml:6"},
    ),
    "JSON": (
        {"web.json": '{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":"web"}}'},
        {"argocd/web": "web.json:1"},
    ),
    "a namespace of its own": (
        {"a.yaml": WEB.replace("{name: web}", "{name: web, namespace: team}")},
        {"team/web": "a.yaml:1"},
    ),
    "not a template of a chart": ({"c/Chart.yaml": "name: c", "c/templates/web.yaml": WEB}, {}),
    "templates where there is no chart": ({"templates/web.yaml": WEB}, {"argocd/web": "templates/web.yaml:1"}),
    "not a patch of a kustomization": (
        {"kustomization.yaml": "patches: []", "patch.yaml": WEB.replace("repoURL: 'https://git.example.com/a', ", "")},
        {},
    ),
    "a resource of a kustomization": (
        {"kustomization.yaml": "resources: [web.yaml]", "web.yaml": WEB},
        {"argocd/web": "web.yaml:1"},
    ),
    "not a kind of that name elsewhere": ({"a.yaml": WEB.replace("argoproj.io", "app.k8s.io")}, {}),
    "not another file": ({"notes.txt": WEB, "README.md": WEB}, {}),
    "not a link": ({"web.txt": WEB, "web.yaml": Link("web.txt")}, {}),
    "not what braces make no YAML": ({"web.yaml": "{{ if x }}\n" + WEB}, {}),
}


@pytest.mark.parametrize("case", FILES)
def test_applications_are_found_where_they_are_declared(case: str) -> None:
    files, expected = FILES[case]
    found = find_applications(MemTree(files), "")
    assert {name: declared.file for name, declared in found.applications.items()} == expected
    assert found.problems == []


def test_only_the_folder_asked_for_is_searched() -> None:
    tree = MemTree({"a/web.yaml": WEB, "b/api.yaml": APP % "api"})
    assert list(find_applications(tree, "b").applications) == ["argocd/api"]


def test_two_of_one_name_are_both_kept_unless_they_are_the_same() -> None:
    other = WEB.replace("path: web", "path: other")
    found = find_applications(MemTree({"dev/web.yaml": WEB, "prod/web.yaml": other, "test/web.yaml": WEB}), "")
    assert {name: declared.file for name, declared in found.applications.items()} == {
        "argocd/web": "test/web.yaml:1",
        "argocd/web (prod/web.yaml:1)": "prod/web.yaml:1",
    }


BAD = {
    "no YAML": ("metadata: [\n" + WEB, "web.yaml:3", ""),
    "a field of a wrong type": (WEB.replace("path: web", "path: [web]"), "web.yaml:1", "spec.source.path"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_application_that_cannot_be_read_is_a_problem_with_its_place(case: str) -> None:
    text, file, field = BAD[case]
    found = find_applications(MemTree({"web.yaml": text}), "")
    assert found.applications == {}
    assert [(problem.file, problem.field) for problem in found.problems] == [(file, field)]


def test_projects_are_known_and_generators_are_named() -> None:
    project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team}\nspec: {}\n"
    generated = project.replace("AppProject", "ApplicationSet")
    found = find_applications(MemTree({"p.yaml": project, "s.yaml": generated}), "")
    assert list(found.projects) == ["team"]
    assert [item.what for item in found.unverified] == ["s.yaml"]


def test_a_declaration_that_differs_replaces_the_one_before() -> None:
    found = find_applications(MemTree({"web.yaml": WEB}), "")
    same = found.applications["argocd/web"]
    value = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web"}}
    spec = {
        "source": {"repoURL": "https://git.example.com/a", "path": "web"},
        "destination": {"namespace": "web"},
    }
    assert found.take({**value, "spec": spec}, "rendered") is None
    changed = found.take({**value, "spec": {**spec, "project": "team"}}, "rendered")
    assert changed is not None and changed.app.spec.project == "team"
    assert found.applications["argocd/web"] is changed is not same
