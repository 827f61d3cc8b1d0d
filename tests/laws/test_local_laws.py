"""A law of what a commit costs: a recipe made of one folder is that of each commit where the folder is the same."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from tests.support.memtree import Link, MemTree

from trueup.model.application import DirectorySource, HelmParameter, HelmSource, KustomizeSource, Source
from trueup.model.errors import RenderFailed
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.render.recipe import make_recipe
from trueup.render.remote import RemotesNeeded

CONTEXT = RenderContext(app_name="shop", namespace="prod")
NAMES = ("a", "b", "base", "templates", "x.yaml", "values.yaml", "Chart.yaml", "kustomization.yaml", "charts", "y.json")
TEXTS = (
    "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: b, version: 1.0.0, repository: 'file://../b'}]\n",
    "resources: [x.yaml]\n",
    "resources: [../base, b]\nconfigMapGenerator: [{name: c, files: [../x.yaml]}]\n",
    "a: 1\n",
    "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n",
    "helm: {valueFiles: [../b/values.yaml]}\n",
)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
targets = st.builds(lambda up, path: "../" * up + path, st.integers(0, 3), paths)
contents = st.one_of(st.sampled_from(TEXTS), targets.map(Link))
trees = st.dictionaries(paths, contents, max_size=8)
sources = st.sampled_from(
    [
        Source(path="a"),
        Source(path="./a/"),
        Source(path="b/../a"),
        Source(path="a", directory=DirectorySource(recurse=True)),
        Source(path="a", kustomize=KustomizeSource(common_annotations={"at": "$ARGOCD_APP_REVISION_SHORT"})),
        Source(path="a", helm=HelmSource(value_files=["../values.yaml", "*.yaml"], ignore_missing_value_files=True)),
        Source(path="a", helm=HelmSource(parameters=[HelmParameter(name="at", value="$ARGOCD_APP_REVISION")])),
        Source(path="a/b"),
    ]
)


def made(files: Mapping[str, str | bytes], source: Source, revision: str) -> Recipe | None:
    try:
        return make_recipe(source, MemTree(files, revision), {}, CONTEXT)
    except (RenderFailed, RemotesNeeded):
        return None


@given(trees, trees, trees, sources)
def test_a_recipe_of_one_folder_is_that_of_each_commit_where_the_folder_is_the_same(
    inner: dict[str, str], one: dict[str, str], other: dict[str, str], source: Source
) -> None:
    here = {f"a/{path}": text for path, text in inner.items()}

    def whole(outer: dict[str, str]) -> Mapping[str, str | bytes]:
        return here | {path: text for path, text in outer.items() if not f"{path}/".startswith("a/")}

    first = made(whole(one), source, "1" * 40)
    if first is not None and first.within is not None:
        assert made(whole(other), source, "2" * 40) == first
