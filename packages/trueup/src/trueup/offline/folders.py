"""The folders of a repository that can be rendered, where no Application says which."""

import posixpath

import msgspec

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Mode, Tree
from trueup.offline.aside import is_fixture
from trueup.offline.definitions import defined_groups
from trueup.offline.kustomizations import Kustomization, above, built, read_kustomization
from trueup.offline.plain import EXTENSIONS, Content, look_into
from trueup.offline.report import Unverified
from trueup.render.closure import follow
from trueup.render.kustomization import kustomizations

MAX_BYTES = 10 * 1024 * 1024
"""Of one file that is looked into."""

_NAMES = 3
"""Files that are named of those that were left out for one reason."""
_PARTS = ("templates", "charts", "crds", "files", "ci")
"""Folders of a chart that are its own."""
_SPECIAL = frozenset("\\*?[]{},!")


class RenderableFolder(msgspec.Struct, frozen=True):
    """A folder to render.

    Attributes:
        files: names of the manifests in it; empty where a tool decides what it reads.
    """

    path: str
    files: tuple[str, ...] = ()

    @property
    def include(self) -> str:
        """The files as a pattern for ``directory.include``."""
        names = [_literal(name) for name in self.files]
        return names[0] if len(names) == 1 else f"{{{','.join(names)}}}"


class FolderSurvey(msgspec.Struct, frozen=True):
    """What can be rendered, sorted by path, and what was seen and cannot."""

    folders: list[RenderableFolder]
    left: list[Unverified]


def survey(tree: Tree, path: str) -> FolderSurvey:
    """Every chart, every kustomization that no other one uses, and every folder with manifests that none of them reads.

    Left out are hidden folders, fixtures of tests, and below a kustomization the files that it does not name.
    """
    search = _Search(tree, path)
    search.visit(path)
    return search.finish()


class _Search:
    def __init__(self, tree: Tree, top: str) -> None:
        self._tree, self._top = tree, top
        self._charts: set[str] = set()
        self._kustomizations: list[Kustomization] = []
        self._files: dict[str, list[Entry]] = {}
        self._left: list[Unverified] = []
        self._others: dict[tuple[str, ...], list[str]] = {}
        self._defined: frozenset[str] | None = None

    def visit(self, path: str) -> None:
        """Look at a folder and those below."""
        tree = self._tree
        chart = tree.entry(posixpath.join(path, "Chart.yaml")) is not None
        if chart and not self._is_library(path):
            self._charts.add(path)
        for file in kustomizations(tree, path)[:1]:
            self._kustomizations.append(read_kustomization(tree, path, file))
        for entry in tree.children(path):
            name = entry.path.rpartition("/")[2]
            if name.startswith(".") or (chart and name in _PARTS):
                continue
            if entry.mode is Mode.DIRECTORY:
                if is_fixture(entry.path):
                    self._leave(entry.path, "by its name it holds inputs of tests or other people's code")
                else:
                    self.visit(entry.path)
            elif entry.mode is not Mode.SUBMODULE and name.endswith(EXTENSIONS):
                self._files.setdefault(path, []).append(entry)

    def finish(self) -> FolderSurvey:
        """What the tools build, and the files that are left to be read as they are."""
        roots, unused = built(self._kustomizations, self._top)
        for component in unused:
            self._leave(component, "a component that no kustomization here uses")
        folders = {path: RenderableFolder(path) for path in (*roots, *self._charts)}
        named = {file for each in self._kustomizations for file in each.files}
        homes = {each.path for each in self._kustomizations}
        for path, entries in self._files.items():
            # What a kustomization does not name is a patch that is no longer used, or an example: never applied. The
            # root's may name a few of many folders.
            if path in homes or any(folder in homes and folder != self._top for folder in above(path)):
                continue
            files = [entry for entry in entries if entry.path not in named and self._holds_manifests(entry)]
            if files and path not in folders:
                names = tuple(entry.path.rpartition("/")[2] for entry in files)
                folders[path] = RenderableFolder(path, names)
        for kinds, paths in self._others.items():
            self._leave(_several(paths), f"{' and '.join(kinds)}, which no cluster has: another tool's")
        return FolderSurvey([folders[path] for path in sorted(folders)], self._left)

    def _holds_manifests(self, entry: Entry) -> bool:
        if entry.mode is Mode.LINK:
            # What it leads to is looked at where it lies.
            if why := self._astray(entry):
                self._leave(entry.path, why)
            return False
        if self._tree.size(entry) > MAX_BYTES:
            self._leave(entry.path, f"larger than {MAX_BYTES >> 20} MiB")
            return False
        seen = look_into(entry.path, self._tree.read(entry), self._groups)
        if seen.content is Content.TEMPLATE:
            self._leave(entry.path, "a template, which none of the tools here fills in")
        elif seen.others:
            self._others.setdefault(seen.others, []).append(entry.path)
        return seen.content is Content.MANIFESTS

    def _astray(self, link: Entry) -> str:
        """Why an engine reads nothing by a link; empty where it reads a file."""
        try:
            located = follow(self._tree, link.path, "manifest")
        except RenderFailed:
            return "a link out of the repository or in circles, which an engine refuses"
        if located is None or located.entry.mode is Mode.DIRECTORY:
            return f"a link that leads {'to a folder' if located else 'nowhere'}, which an engine passes over"
        return ""

    def _groups(self) -> frozenset[str]:
        if self._defined is None:
            self._defined = defined_groups(self._tree)
        return self._defined

    def _is_library(self, path: str) -> bool:
        entry = self._tree.entry(posixpath.join(path, "Chart.yaml"))
        try:
            chart = yaml.load(self._tree.read(entry), "Chart.yaml") if entry is not None else None
        except (RenderFailed, yaml.YamlError):
            # Its render says what is wrong.
            return False
        return isinstance(chart, dict) and chart.get("type") == "library"

    def _leave(self, what: str, why: str) -> None:
        self._left.append(Unverified(application="", what=what, why=why))


def _several(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMES} more" if len(paths) > _NAMES else ""
    return ", ".join(paths[:_NAMES]) + more


def _literal(name: str) -> str:
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in name)
