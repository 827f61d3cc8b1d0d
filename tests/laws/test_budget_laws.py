"""A law of budgets: whatever links and folders a repository has, reading it ends, and looks no further than it may."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from tests.support.memtree import Link, MemTree

from trueup.model.application import DirectorySource, HelmSource, KustomizeSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Tree
from trueup.render.budget import Budget, SourceAllowance
from trueup.render.environment import RenderContext
from trueup.render.recipe import make_recipe

CONTEXT = RenderContext(app_name="shop", namespace="prod")
LOOKS = 500
NAMES = ("a", "b", "charts", "templates", "x.yaml")
FILES = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "kustomization.yaml": "resources: [a, b/x.yaml]\ngenerators: [x.yaml]\n",
    "values.yaml": "a: 1\n",
}
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
targets = st.one_of(
    paths,
    st.builds(lambda up, path: "../" * up + path, st.integers(0, 5), paths),
    st.sampled_from([".", "..", "../..", "/", "/etc", "a/../../b", "x" * 5000, "\udcff"]).map(
        lambda text: text.encode("utf-8", "replace").decode()
    ),
)
farms = st.dictionaries(paths, st.one_of(targets.map(Link), st.sampled_from(list(FILES.values()))), max_size=14)
sources = st.sampled_from(
    [
        Source(),
        Source(directory=DirectorySource(recurse=True)),
        Source(kustomize=KustomizeSource()),
        Source(helm=HelmSource(value_files=["**/*.yaml", "values.yaml"])),
        Source(path="a", helm=HelmSource()),
    ]
)


class Counted:
    """A tree that counts what it gives away."""

    def __init__(self, tree: MemTree) -> None:
        self._tree = tree
        self.revision, self.identity, self.url = tree.revision, tree.identity, tree.url
        self.given = 0

    def folder(self, path: str) -> str:
        return ""

    def entry(self, path: str) -> Entry | None:
        self.given += 1
        return self._tree.entry(path)

    def children(self, path: str) -> list[Entry]:
        found = self._tree.children(path)
        self.given += len(found)
        return found

    def walk(self, path: str) -> Iterator[Entry]:
        for entry in self._tree.walk(path):
            self.given += 1
            yield entry

    def size(self, entry: Entry) -> int:
        return self._tree.size(entry)

    def read(self, entry: Entry) -> bytes:
        return self._tree.read(entry)


def planted(farm: dict[str, str]) -> MemTree:
    """A repository of those entries that do not lie below one that is no folder."""
    files = {**FILES, **farm}
    return MemTree({path: text for path, text in files.items() if not any(path.startswith(f"{p}/") for p in files)})


@given(farms, sources, st.booleans())
def test_a_farm_of_links_costs_no_more_than_it_may(farm: dict[str, str], source: Source, whole: bool) -> None:
    counted = Counted(planted(farm))
    tree: Tree = counted
    try:
        make_recipe(source, tree, {"r": tree}, CONTEXT, whole_tree=whole, budget=Budget(SourceAllowance(looks=LOOKS)))
    except RenderFailed as error:
        assert error.message
    # What is listed is paid for when it is known how much it is.
    assert counted.given <= LOOKS + 2 * len(FILES | farm) + 200
