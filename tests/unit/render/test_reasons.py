"""What a source is made of: each file with what names it, and where a change of it would show."""

import pytest
from tests.support.memtree import MemTree

from trueup.model.application import DirectorySource, HelmFileParameter, HelmSource, Source
from trueup.render.environment import RenderContext
from trueup.render.job import Input, Recipe
from trueup.render.reasons import ABSENT, reasons
from trueup.render.recipe import make_recipe
from trueup.render.watched import MOST_PATHS, watched

CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
CONTEXT = RenderContext(app_name="web", namespace="web")

CASES = {
    "a folder": (Source(path="a"), {"a/x.yaml": CM, "a/README.md": "x"}, {"a/x.yaml": "a manifest"}),
    "programs": (
        Source(path="a", directory=DirectorySource()),
        {"a/x.jsonnet": "import 'y.libsonnet'", "a/y.libsonnet": "{}"},
        {"a/x.jsonnet": "a program of Jsonnet", "a/y.libsonnet": "imported by Jsonnet"},
    ),
    "an overlay": (
        Source(path="over"),
        {
            "over/kustomization.yaml": "resources: [../base, x.yaml]\npatches: [{path: p.yaml}]\n",
            "over/x.yaml": CM,
            "over/p.yaml": CM,
            "base/kustomization.yaml": "configMapGenerator: [{name: a, files: [k=f.txt]}]\n",
            "base/f.txt": "f",
            "base/unread.yaml": CM,
        },
        {
            "over/kustomization.yaml": "the kustomization of the source",
            "over/x.yaml": "over/kustomization.yaml: resources[1]",
            "over/p.yaml": "over/kustomization.yaml: patches[0].path",
            "base/kustomization.yaml": "over/kustomization.yaml: resources[0]",
            "base/f.txt": "base/kustomization.yaml: configMapGenerator[0].files[0]",
        },
    ),
    "a chart": (
        Source(
            path="c",
            helm=HelmSource(
                value_files=["../v.yaml"], file_parameters=[HelmFileParameter(name="note", path="note.txt")]
            ),
        ),
        {
            "c/Chart.yaml": CHART,
            "c/values.yaml": "",
            "c/values.schema.json": "{}",
            "c/templates/_x.tpl": "",
            "c/crds/x.yaml": "",
            "c/note.txt": "n",
            "c/conf/x.ini": "",
            "c/charts/sub/Chart.yaml": CHART.replace("web", "sub"),
            "c/charts/sub/templates/x.yaml": "",
            "v.yaml": "a: 1",
        },
        {
            "c/Chart.yaml": "the chart",
            "c/values.yaml": "default values",
            "c/values.schema.json": "what values may be",
            "c/templates/_x.tpl": "a template",
            "c/crds/x.yaml": "a CustomResourceDefinition",
            "c/note.txt": "the value of note",
            "c/conf/x.ini": "a file, which templates may read",
            "c/charts/sub/Chart.yaml": "the chart of subchart sub",
            "c/charts/sub/templates/x.yaml": "a template of subchart sub",
            "v.yaml": "values, number 1 of 1",
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_file_says_what_names_it(case: str) -> None:
    source, files, expected = CASES[case]
    recipe = make_recipe(source, MemTree(files), {}, CONTEXT)
    assert {each.path: each.why for each in reasons(recipe) if not each.absent} == expected
    assert {file.path for file in recipe.inputs} == expected.keys()


def test_what_was_looked_for_and_what_lies_in_another_source_say_so() -> None:
    helm = HelmSource(value_files=["$env/prod.yaml", "$env/more.yaml"], ignore_missing_value_files=True)
    tree, other = MemTree({"c/Chart.yaml": CHART}), MemTree({"prod.yaml": "a: 1"})
    recipe = make_recipe(Source(path="c", helm=helm), tree, {"env": other}, CONTEXT)
    of_others = {each.path: (each.why, each.absent) for each in reasons(recipe) if each.ref == "env"}
    assert of_others == {"prod.yaml": ("values, number 1 of 1", False), "more.yaml": (ABSENT, True)}
    assert set(watched(recipe).refs["env"]) == {"prod.yaml", "more.yaml"}
    assert "c/Chart.yaml" in watched(recipe).own


def test_files_that_options_come_from_are_listed_first() -> None:
    files = {"a/x.yaml": CM, "a/.argocd-source.yaml": "directory: {recurse: true}\n"}
    first = next(reasons(make_recipe(Source(path="a"), MemTree(files), {}, CONTEXT)))
    assert (first.path, "options of the source" in first.why) == ("a/.argocd-source.yaml", True)


def test_a_change_shows_in_few_places() -> None:
    entry = MemTree({"x": ""}).entry("x")
    assert entry is not None
    many = Recipe(key="k", tool="Directory", inputs=tuple(Input(f"{n}", entry) for n in range(MOST_PATHS + 1)))
    assert watched(many).own == ("",)
    folders = Recipe(key="k", tool="Kustomize", within="a", beside=(("b", "1"),))
    assert (watched(folders).own, watched(folders).coarse) == (("a", "b"), True)
