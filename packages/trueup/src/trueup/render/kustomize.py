"""Kustomize: the kustomization with the Application's options in it, and the exact files its build reads.

``kustomize edit`` is done here, on the document, so that no tool writes to a source and two applications that share a
path never meet. References are followed and refused before the tool runs: nothing outside the repository. Bases and
files elsewhere are laid out beside it, and the kustomizations that name them say so: the tool has no network.
"""

import posixpath
from collections.abc import Mapping
from typing import Any

import msgspec

from kubegrammar import yaml
from trueup.model.application import KustomizeSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import Located, follow, inside, refuse_outside, refuse_submodule
from trueup.render.draft import Draft
from trueup.render.environment import Environment, RenderContext
from trueup.render.job import KustomizeJob
from trueup.render.kustomization import KUSTOMIZATION_NAMES
from trueup.render.kustomize_charts import FIELDS, names_charts
from trueup.render.kustomize_closure import KustomizeClosure
from trueup.render.kustomize_edit import edit
from trueup.render.kustomize_inflater import Inflater
from trueup.render.kustomize_place import (
    LONGEST_PATH,
    MAX_BYTES,
    KustomizePlace,
    read_kustomization,
    shown,
    the_kustomization,
)
from trueup.render.kustomize_refs import (
    Reference,
    is_plain,
    plugin_references,
    references,
    renamed,
)
from trueup.render.remote import (
    Base,
    OneFile,
    RemoteReference,
    RemotesNeeded,
    file_place,
    mount_of,
    remote_of,
)

MAX_DIRECTORIES = 500


def draft(
    source: Source,
    tree: Tree,
    refs: Mapping[str, Tree],
    path: str,
    context: RenderContext,
    environment: Environment,
    *,
    checked: bool = True,
) -> Draft:
    """The build of one kustomization directory.

    Args:
        refs: what kustomizations name elsewhere, by its name (:mod:`trueup.render.remote`).
        checked: refuse what is missing; else leave that to kustomize, which then has the whole repository.

    Raises:
        RemotesNeeded: something elsewhere is not among the refs.
        RenderFailed: a reference is missing, circular or outside the repository; a file is malformed; charts are to be
            inflated, and that is switched off.
    """
    options = source.kustomize or KustomizeSource()
    file = the_kustomization(tree, path)
    document = edit(
        read_kustomization(tree, file), options, _Components(tree, path, options.ignore_missing_components), environment
    )
    versions = msgspec.structs.replace(
        context,
        kube_version=options.kube_version or context.kube_version,
        api_versions=tuple(options.api_versions) or context.api_versions,
    )
    walk = _Walk(refs, versions, checked)
    walk.visit(KustomizePlace(tree), path, document, file)
    found = walk.found
    if found.needed:
        raise RemotesNeeded(list(found.needed.values()))
    written = ({} if source.kustomize is None else {file: yaml.dump(document)}) | found.written
    job = KustomizeJob(
        path, written, tuple(sorted(found.resources)), found.contained, found.opaque, tuple(found.charts)
    )
    return Draft(job, list(found.inputs.values()), sorted(found.absent), found.warnings, reasons=found.reasons)


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
    """

    def __init__(self, refs: Mapping[str, Tree], context: RenderContext, checked: bool) -> None:
        self.found = KustomizeClosure()
        self._inflater = Inflater(self.found, refs, context)
        self._refs = refs
        self._checked = checked
        self._open: list[str] = []
        self._lends: list[str] = []
        self._done: set[str] = set()
        self._namespaces: dict[str, str] = {}
        self._borrowers: set[str] = set()

    def visit(
        self,
        place: KustomizePlace,
        path: str,
        document: dict[str, Any],
        file: str,
        plugin_base: str | None = None,
        namespace: str = "",
    ) -> None:
        """Take one kustomization directory (a real path) and all it refers to.

        Args:
            plugin_base: its resources configure generators or transformers of the kustomization in this directory, to
                which the files they name are relative.
            namespace: of the kustomizations above, which charts of this one are released in.
        """
        self._open.append(place.laid(path))
        self._lends.append(str(document.get("namespace") or "") or namespace)
        self._namespaces[place.laid(path)] = namespace
        inflated: list[str] = []
        if names_charts(document):
            inflated, borrows = self._inflater.inflate(place, path, document, file, self._namespaces[place.laid(path)])
            if borrows:
                self._borrowers.update(self._open)
        self._take_file(place, file)
        self.found.absent.update(
            place.laid(candidate)
            for candidate in (posixpath.join(path, name) for name in KUSTOMIZATION_NAMES)
            if candidate != file
        )
        elsewhere: dict[str, str] = {}
        for reference in references(document, place.shown(file)):
            owner = path if reference.plugin and plugin_base is None else plugin_base
            if laid := self._take(place, path, reference, file, owner):
                elsewhere[reference.field] = posixpath.relpath(laid, place.laid(path) or ".")
        if elsewhere or inflated:
            document = renamed(document, elsewhere)
            if inflated:
                document["resources"] = [*(document.get("resources") or ()), *inflated]
                document = {name: value for name, value in document.items() if name not in FIELDS}
            self.found.written[place.laid(file)] = yaml.dump(document)
        self._open.pop()
        self._lends.pop()
        self._done.add(place.laid(path))

    def _take(
        self, place: KustomizePlace, base: str, reference: Reference, file: str, plugin_base: str | None = None
    ) -> str:
        """Take what a reference leads to; where it is laid out, if that is not where the reference says."""
        where = f"{place.shown(file)}: {reference.field}"
        remote = None
        if not reference.text:
            takes_files = not reference.field.startswith("components[")
            remote = remote_of(reference.path, where, file=takes_files, directory=reference.directory)
        target = inside(base, reference.path)
        located = follow(place.tree, target, where) if target is not None and not (remote and remote.file) else None
        if remote is not None and (located is None or located.entry.mode is Mode.DIRECTORY):
            return self._take_remote(place, base, reference, remote, plugin_base)
        if reference.text and (target is None or reference.plugin):
            # YAML with dots in it, it seems; or a path with a line break, of which kustomize makes a place elsewhere.
            if not reference.plugin or not is_plain(reference.path.encode(errors="replace")):
                self.found.hide(where)
            if target is None:
                return ""
        if target is None:
            raise RenderFailed(
                f"{where} {shown(reference.path)}: the file is outside the application root",
                hint="a kustomization may only name files of its repository",
            )
        if located is None:
            self._missing(place, target, reference, where)
        elif located.entry.mode is Mode.DIRECTORY:
            if reference.plugin:
                # What is built there configures the plugin: patches may write any path into it.
                self.found.hide(where)
            self._take_directory(place, located, reference, where, plugin_base)
        elif located.entry.mode is Mode.SUBMODULE:
            raise refuse_submodule(place.tree, located.path, f"{where} {reference.path!r}")
        else:
            self._take_content(place, base, located, reference, where)
            if plugin_base is not None:
                self._take_plugin(place, located, where, plugin_base)
        return ""

    def _take_content(
        self, place: KustomizePlace, base: str, located: Located, reference: Reference, where: str
    ) -> None:
        self.found.take_links(place, located)
        laid = place.laid(located.path)
        self.found.take(laid, located.entry, place.ref, where)
        below = located.path.startswith(f"{base}/" if base else "")
        if place.ref and not below:
            raise RenderFailed(
                f"{where} {shown(reference.path)} is not below the folder of its kustomization, which kustomize "
                "refuses in a base elsewhere",
                hint="make it a kustomization of its own, or copy the base into the repository",
            )
        if located.links or not below:
            self.found.contained = False
        if reference.field.startswith(("resources[", "bases[")):
            self.found.resources.add(laid)

    def _take_remote(
        self, place: KustomizePlace, base: str, reference: Reference, remote: RemoteReference, plugin_base: str | None
    ) -> str:
        if not reference.rewritable:
            raise RenderFailed(
                f"{remote.where} {shown(reference.path)} is remote: a generator or transformer may name files of its "
                "repository only",
                hint="copy it into the repository",
            )
        self.found.count(remote)
        if remote.file and (tree := self._refs.get(remote.file_name)) is not None:
            entry = tree.entry(OneFile.NAME)
            assert entry is not None
            laid = posixpath.join(place.laid(base), file_place(remote))
            self.found.take(laid, entry, remote.file_name, remote.where)
            if reference.field.startswith(("resources[", "bases[")):
                self.found.resources.add(laid)
            if plugin_base is not None:
                self.found.hide(remote.where)
            return laid
        if remote.base is not None and (tree := self._refs.get(remote.base.name)) is not None:
            return self._take_base(tree, remote, remote.base, reference, plugin_base)
        self.found.needed.setdefault(remote.text, remote)
        return ""

    def _take_base(
        self, tree: Tree, remote: RemoteReference, base: Base, reference: Reference, plugin_base: str | None
    ) -> str:
        place = KustomizePlace(tree, base.name, mount_of(base), base.shown)
        located = follow(tree, base.path, remote.where)
        if located is not None and located.entry.mode in (Mode.FILE, Mode.EXECUTABLE):
            raise RenderFailed(
                f"{remote.where}: {place.shown(base.path)} is a file, and a folder with a kustomization is expected",
                hint="name its folder, or the file by a URL that gives its content (without ?ref=)",
            )
        if located is None or located.entry.mode is not Mode.DIRECTORY:
            raise RenderFailed(
                f"{remote.where}: {place.shown(base.path)}: no such folder at {tree.revision[:8]}",
                hint="correct the path behind the repository's, or the ref",
            )
        if plugin_base is not None:
            self.found.hide(remote.where)
        self._take_directory(place, located, reference, remote.where, plugin_base)
        return place.laid(located.path)

    def _take_plugin(self, place: KustomizePlace, located: Located, where: str, base: str) -> None:
        if place.tree.size(located.entry) > MAX_BYTES:
            self.found.hide(where)
            return
        data = place.tree.read(located.entry)
        if not is_plain(data):
            self.found.hide(where)
        for named in plugin_references(data, place.shown(located.path)):
            self._take(place, base, named, located.path)

    def _missing(self, place: KustomizePlace, target: str, reference: Reference, where: str) -> None:
        if reference.text and len(target) > LONGEST_PATH:
            return
        self.found.absent.add(place.laid(target))
        if self._checked and not reference.optional and not reference.text:
            raise RenderFailed(
                f"{where} {shown(reference.path)}: no such file or directory",
                hint=f"add {place.shown(target)[:LONGEST_PATH]} or remove it",
            )

    def _take_directory(
        self, place: KustomizePlace, located: Located, reference: Reference, where: str, plugin_base: str | None
    ) -> None:
        path = place.laid(located.path)
        self.found.take_links(place, located)
        self.found.named.setdefault(path, where)
        if not reference.directory:
            raise RenderFailed(f"{where} {reference.path!r} is a directory", hint="name the files in it")
        if path in self._open:
            circle = " → ".join([*self._open[self._open.index(path) :], path])
            raise RenderFailed(
                f"{where} {reference.path!r}: cycle detected: {circle}", hint="remove one of the references"
            )
        above = self._lends[-1]
        if path in self._done:
            if path in self._borrowers and above != self._namespaces[path]:
                raise RenderFailed(
                    f"{where} {reference.path!r}: its charts are inflated for namespace {self._namespaces[path]!r} too",
                    hint="set helmCharts[].namespace in it",
                )
            return
        if len(self._done) + len(self._open) >= MAX_DIRECTORIES:
            raise RenderFailed(
                f"{where}: more than {MAX_DIRECTORIES} kustomization directories", hint="flatten the bases"
            )
        try:
            file = the_kustomization(place.tree, located.path)
            document = read_kustomization(place.tree, file)
        except RenderFailed as error:
            if not place.url:
                raise
            raise RenderFailed(f"{place.url} {error.message}", hint=error.hint) from error
        self.visit(place, located.path, document, file, plugin_base, above)

    def _take_file(self, place: KustomizePlace, file: str) -> None:
        located = follow(place.tree, file, "kustomization")
        if located is not None:
            self.found.take_links(place, located)
            laid = place.laid(located.path)
            why = self.found.named.get(place.laid(posixpath.dirname(file)), "the kustomization of the source")
            self.found.take(laid, located.entry, place.ref, why)
