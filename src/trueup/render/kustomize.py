"""Kustomize: the kustomization with the Application's options in it, and the exact files its build reads.

``kustomize edit`` is done here, on the document, so that no tool writes to a source and two applications that share a
path never meet. References are followed and refused before the tool runs: nothing remote, nothing outside the
repository.
"""

import posixpath
from typing import Any

from trueup.formats import pattern, yaml
from trueup.model.application import KustomizeSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import Located, follow, inside, refuse_outside
from trueup.render.detect import KUSTOMIZATION_NAMES, kustomizations
from trueup.render.draft import Draft
from trueup.render.environment import Environment
from trueup.render.job import Input, KustomizeJob
from trueup.render.kustomize_edit import edit
from trueup.render.kustomize_refs import Reference, canonical, is_plain, plugin_references, references

MAX_DIRECTORIES = 500
MAX_BYTES = 1024 * 1024
"""Of one kustomization file."""

_LONGEST_PATH = 300
"""Characters of a path that are shown, or remembered of what may be no path."""

_REMOTE = pattern.compile(
    r"(?i)^(?:[a-z][a-z0-9+.-]*::|[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:|gh:|(?:github\.com|gitlab\.com|bitbucket\.org|dev\.azure\.com)[/:])|"
    r"\?(?:ref|version|timeout|submodules)=|\.git(?:$|[/?])",
)


def draft(source: Source, tree: Tree, path: str, environment: Environment, *, checked: bool = True) -> Draft:
    """The build of one kustomization directory.

    Args:
        checked: refuse what is missing; else leave that to kustomize, which then has the whole repository.

    Raises:
        RenderFailed: a reference is missing, remote, circular or outside the repository; a file is malformed.
    """
    options = source.kustomize or KustomizeSource()
    file = _the_kustomization(tree, path)
    document = edit(_read(tree, file), options, _Components(tree, path, options.ignore_missing_components), environment)
    walk = _Walk(tree, checked)
    walk.visit(path, document, file)
    written = {} if source.kustomize is None else {file: yaml.dump(document)}
    job = KustomizeJob(path, written, tuple(sorted(walk.resources)), walk.contained, walk.opaque)
    return Draft(job, list(walk.inputs.values()), sorted(walk.absent), walk.warnings)


class _Components:
    """Which components of ``source.kustomize`` exist, for ``ignoreMissingComponents``."""

    def __init__(self, tree: Tree, path: str, ignore_missing: bool) -> None:
        self._tree = tree
        self._path = path
        self._ignore_missing = ignore_missing

    def __call__(self, component: str) -> bool:
        target = inside(self._path, component)
        if target is None:
            raise refuse_outside(component, "component")
        return not self._ignore_missing or follow(self._tree, target, "component") is not None


class _Walk:
    """Collects the closure of a kustomization.

    It saves work and explains; what may be read is not decided here. What it misses is kustomize's to miss, in a folder
    that holds nothing else, behind a wall.

    Attributes:
        contained: every file lies in the folder of the kustomization that names it, or below.
        opaque: the first reference to a configuration of which the text does not say what it reads.
    """

    def __init__(self, tree: Tree, checked: bool) -> None:
        self.inputs: dict[str, Input] = {}
        self.absent: set[str] = set()
        self.warnings: list[str] = []
        self.resources: set[str] = set()
        self.contained = True
        self.opaque = ""
        self._tree = tree
        self._checked = checked
        self._open: list[str] = []
        self._done: set[str] = set()

    def visit(self, path: str, document: dict[str, Any], file: str, plugin_base: str | None = None) -> None:
        """Take one kustomization directory (a real path) and all it refers to.

        Args:
            plugin_base: its resources configure generators or transformers of the kustomization in this directory, to
                which the files they name are relative.
        """
        self._open.append(path)
        self._take_file(file)
        self.absent.update(
            candidate for candidate in (posixpath.join(path, name) for name in KUSTOMIZATION_NAMES) if candidate != file
        )
        for reference in references(document, file):
            owner = path if reference.plugin and plugin_base is None else plugin_base
            self._take(path, reference, file, owner)
        self._open.pop()
        self._done.add(path)

    def _take(self, base: str, reference: Reference, file: str, plugin_base: str | None = None) -> None:
        where = f"{file}: {reference.field}"
        outside = inside(base, reference.path) is None
        if reference.text and (outside or reference.plugin):
            # YAML with dots in it, it seems; or a path with a line break, of which kustomize makes a place elsewhere.
            if not reference.plugin or not is_plain(reference.path.encode(errors="replace")):
                self._hides(where)
            if outside:
                return
        located = self._located(base, reference, where)
        if located is None:
            self._missing(base, reference, where)
        elif located.entry.mode is Mode.DIRECTORY:
            if reference.plugin:
                # What is built there configures the plugin: patches may write any path into it.
                self._hides(where)
            self._take_directory(located, reference, where, plugin_base)
        elif located.entry.mode is Mode.SUBMODULE:
            raise RenderFailed(f"{where} {reference.path!r} is a submodule", hint="submodules are not fetched")
        else:
            self._take_links(located)
            self.inputs.setdefault(located.path, Input(located.path, located.entry))
            if located.links or not located.path.startswith(f"{base}/" if base else ""):
                self.contained = False
            if reference.field.startswith(("resources[", "bases[")):
                self.resources.add(located.path)
            if plugin_base is not None:
                self._take_plugin(located, where, plugin_base)

    def _take_plugin(self, located: Located, where: str, base: str) -> None:
        if self._tree.size(located.entry) > MAX_BYTES:
            self._hides(where)
            return
        data = self._tree.read(located.entry)
        if not is_plain(data):
            self._hides(where)
        for named in plugin_references(data, located.path):
            self._take(base, named, located.path)

    def _hides(self, where: str) -> None:
        self.opaque = self.opaque or where[:_LONGEST_PATH]

    def _located(self, base: str, reference: Reference, where: str) -> Located | None:
        target = inside(base, reference.path)
        located = follow(self._tree, target, where) if target is not None else None
        if located is None and _REMOTE.search(reference.path):
            raise RenderFailed(
                f"{where} {_shown(reference.path)} is remote: remote bases are not supported",
                hint="copy the base into the repository and refer to it by a relative path",
            )
        if target is None:
            raise RenderFailed(
                f"{where} {_shown(reference.path)}: the file is outside the application root",
                hint="a kustomization may only name files of its repository",
            )
        return located

    def _missing(self, base: str, reference: Reference, where: str) -> None:
        target = inside(base, reference.path) or ""
        if reference.text and len(target) > _LONGEST_PATH:
            return
        self.absent.add(target)
        if self._checked and not reference.optional and not reference.text:
            raise RenderFailed(
                f"{where} {_shown(reference.path)}: no such file or directory",
                hint=f"add {target[:_LONGEST_PATH]} or remove it",
            )

    def _take_directory(self, located: Located, reference: Reference, where: str, plugin_base: str | None) -> None:
        path = located.path
        self._take_links(located)
        if not reference.directory:
            raise RenderFailed(f"{where} {reference.path!r} is a directory", hint="name the files in it")
        if path in self._open:
            circle = " → ".join([*self._open[self._open.index(path) :], path])
            raise RenderFailed(
                f"{where} {reference.path!r}: cycle detected: {circle}", hint="remove one of the references"
            )
        if path in self._done:
            return
        if len(self._done) + len(self._open) >= MAX_DIRECTORIES:
            raise RenderFailed(
                f"{where}: more than {MAX_DIRECTORIES} kustomization directories", hint="flatten the bases"
            )
        file = _the_kustomization(self._tree, path)
        self.visit(path, _read(self._tree, file), file, plugin_base)

    def _take_file(self, file: str) -> None:
        located = follow(self._tree, file, "kustomization")
        if located is not None:
            self._take_links(located)
            self.inputs.setdefault(located.path, Input(located.path, located.entry))

    def _take_links(self, located: Located) -> None:
        # Laid out as links: kustomize resolves what lies behind a link from the real place.
        for link in located.links:
            self.inputs.setdefault(link.path, Input(link.path, link))


def _shown(path: str) -> str:
    return repr(path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…")


def _the_kustomization(tree: Tree, path: str) -> str:
    found = kustomizations(tree, path)
    if len(found) == 1:
        return found[0]
    where = path or "the repository's root"
    if found:
        raise RenderFailed(f"{where}: multiple kustomization files: {', '.join(found)}", hint="keep one")
    raise RenderFailed(
        f"{where}: no kustomization.yaml, kustomization.yml or Kustomization", hint="add a kustomization.yaml"
    )


def _read(tree: Tree, file: str) -> dict[str, Any]:
    located = follow(tree, file, "kustomization")
    if located is None or located.entry.mode is Mode.DIRECTORY:
        raise RenderFailed(f"{file}: no such file", hint="add it")
    if tree.size(located.entry) > MAX_BYTES:
        raise RenderFailed(f"{file} is larger than {MAX_BYTES // 1024} KiB", hint="split the kustomization")
    try:
        document = yaml.load(tree.read(located.entry), file)
    except yaml.YamlError as error:
        raise RenderFailed(str(error), hint="correct the kustomization") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise RenderFailed(f"{file}: a kustomization must be a mapping", hint="start it with resources:")
    return canonical(document, file)
