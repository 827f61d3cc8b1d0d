"""What of a repository nobody deploys: the inputs of its tests, and other people's code."""

from collections.abc import Iterator

from trueup.model.tree import Entry, Mode, Tree

# No "test" and no "testing": many a stage is called so.
_FIXTURES = frozenset(
    ("tests", "testdata", "test-data", "fixtures", "__fixtures__", "__snapshots__", "node_modules", "vendor")
)


def is_fixture(folder: str) -> bool:
    """Whether a folder's name says that what is in it is input of tests, or somebody else's."""
    return folder.rpartition("/")[2] in _FIXTURES


def walk(tree: Tree, path: str) -> Iterator[Entry]:
    """All files and links below a directory, in name order, but for fixtures' below it."""
    for child in tree.children(path):
        if child.mode is Mode.DIRECTORY:
            if not is_fixture(child.path):
                yield from walk(tree, child.path)
        elif child.mode is not Mode.SUBMODULE:
            yield child
