"""A law of what a commit costs: a recipe made of some folders is that of each commit where these are the same."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.memtree import Link, MemTree

from trueup.model.application import DirectorySource, HelmParameter, HelmSource, KustomizeSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode
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


class NamedTree(MemTree):
    """A tree whose folders have names, as Git's have."""

    def folder(self, path: str) -> str:
        found = self.entry(path) if path else None
        if path and (found is None or found.mode is not Mode.DIRECTORY):
            return ""
        return repr([(each.path, each.mode, each.oid) for each in self.walk(path)])


def made(tree: MemTree, source: Source) -> Recipe | None:
    try:
        return make_recipe(source, tree, {}, CONTEXT)
    except (RenderFailed, RemotesNeeded):
        return None


@given(trees, trees, st.dictionaries(paths, contents, max_size=2), sources)
def test_a_recipe_of_some_folders_is_that_of_each_commit_where_these_are_the_same(
    inner: dict[str, str], outer: dict[str, str], edits: dict[str, str], source: Source
) -> None:
    here = {f"a/{path}": text for path, text in inner.items()}

    def tree(files: dict[str, str], revision: str) -> NamedTree:
        return NamedTree(
            here | {path: text for path, text in files.items() if not f"{path}/".startswith("a/")}, revision
        )

    one, other = tree(outer, "1" * 40), tree(outer | edits, "2" * 40)
    first = made(one, source)
    if first is None or first.within is None or other.folder(first.within) != one.folder(first.within):
        return
    if all(other.folder(folder) == name for folder, name in first.beside):
        assert made(other, source) == first
