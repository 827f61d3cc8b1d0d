"""Kustomize: the kustomization with the Application's options in it, and the exact files its build reads.

``kustomize edit`` is done here, on the document, so that no tool writes to a source and two applications that share a
path never meet. References are followed and refused before the tool runs: nothing outside the repository. Bases and
files elsewhere are laid out beside it, and the kustomizations that name them say so: the tool has no network.
"""

import posixpath
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from kubegrammar import yaml
from trueup.model.application import KustomizeSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import Located, follow, inside, refuse_outside
from trueup.render.draft import Draft
from trueup.render.environment import Environment, RenderContext
from trueup.render.helm import OWN_KUBE_VERSION, refuse_other_versions
from trueup.render.helm_chart import read_chart
from trueup.render.helm_index import COMMIT, over_http
from trueup.render.job import Inflation, Input, KustomizeJob
from trueup.render.kustomization import KUSTOMIZATION_NAMES, kustomizations
from trueup.render.kustomize_charts import FIELDS, Chart, charts_of, names_charts
from trueup.render.kustomize_edit import edit
from trueup.render.kustomize_refs import (
    Reference,
    canonical,
    is_plain,
    plugin_references,
    references,
    renamed,
)
from trueup.render.remote import (
    MAX_REMOTES,
    Base,
    OneFile,
    Remote,
    RemotesNeeded,
    chart_place,
    file_place,
    mount_of,
    remote_of,
)

MAX_DIRECTORIES = 500
MAX_BYTES = 1024 * 1024
"""Of one kustomization file."""

_LONGEST_PATH = 300
"""Characters of a path that are shown, or remembered of what may be no path."""


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
    file = _the_kustomization(tree, path)
    document = edit(_read(tree, file), options, _Components(tree, path, options.ignore_missing_components), environment)
    versions = msgspec.structs.replace(
        context,
        kube_version=options.kube_version or context.kube_version,
        api_versions=tuple(options.api_versions) or context.api_versions,
    )
    walk = _Walk(refs, versions, checked)
    walk.visit(_Place(tree), path, document, file)
    if walk.needed:
        raise RemotesNeeded(list(walk.needed.values()))
    written = ({} if source.kustomize is None else {file: yaml.dump(document)}) | walk.written
    job = KustomizeJob(path, written, tuple(sorted(walk.resources)), walk.contained, walk.opaque, tuple(walk.charts))
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


class _Place(NamedTuple):
    """A repository that is read.

    Attributes:
        ref: its name among the refs; empty for the source's own.
        mount: the folder in which it is laid out; empty for the source's own, which is the root.
        url: of a base elsewhere, for messages.
    """

    tree: Tree
    ref: str = ""
    mount: str = ""
    url: str = ""

    def laid(self, path: str) -> str:
        """Where a path of the repository is laid out."""
        return posixpath.join(self.mount, path) if path else self.mount

    def shown(self, path: str) -> str:
        """A path for people."""
        return f"{self.url} {path}" if self.url else path


class _Home(NamedTuple):
    """Where a chart is.

    Attributes:
        path: of its folder, in the place.
        stands_for: the folder in which kustomize has it, in the kustomization's own place.
    """

    place: _Place
    path: str
    stands_for: str


class _Walk:
    """Collects the closure of a kustomization.

    It saves work and explains; what may be read is not decided here. What it misses is kustomize's to miss, in a folder
    that holds nothing else, behind a wall.

    Attributes:
        contained: every file lies in the folder of the kustomization that names it, or below.
        opaque: the first reference to a configuration of which the text does not say what it reads.
        written: kustomizations that name something elsewhere, as they are laid out.
        needed: what is elsewhere and not here yet, by its text.
        charts: to be rendered first.
    """

    def __init__(self, refs: Mapping[str, Tree], context: RenderContext, checked: bool) -> None:
        self.inputs: dict[str, Input] = {}
        self.absent: set[str] = set()
        self.warnings: list[str] = []
        self.resources: set[str] = set()
        self.contained = True
        self.opaque = ""
        self.written: dict[str, str] = {}
        self.needed: dict[str, Remote] = {}
        self.charts: list[Inflation] = []
        self._refs = refs
        self._context = context
        self._checked = checked
        self._remotes: set[str] = set()
        self._open: list[str] = []
        self._lends: list[str] = []
        self._done: set[str] = set()
        self._namespaces: dict[str, str] = {}
        self._borrowers: set[str] = set()

    def visit(
        self,
        place: _Place,
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
            inflated = self._inflate(place, path, document, file)
        self._take_file(place, file)
        self.absent.update(
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
            self.written[place.laid(file)] = yaml.dump(document)
        self._open.pop()
        self._lends.pop()
        self._done.add(place.laid(path))

    def _take(self, place: _Place, base: str, reference: Reference, file: str, plugin_base: str | None = None) -> str:
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
                self._hides(where)
            if target is None:
                return ""
        if target is None:
            raise RenderFailed(
                f"{where} {_shown(reference.path)}: the file is outside the application root",
                hint="a kustomization may only name files of its repository",
            )
        if located is None:
            self._missing(place, target, reference, where)
        elif located.entry.mode is Mode.DIRECTORY:
            if reference.plugin:
                # What is built there configures the plugin: patches may write any path into it.
                self._hides(where)
            self._take_directory(place, located, reference, where, plugin_base)
        elif located.entry.mode is Mode.SUBMODULE:
            raise RenderFailed(f"{where} {reference.path!r} is a submodule", hint="submodules are not fetched")
        else:
            self._take_content(place, base, located, reference, where)
            if plugin_base is not None:
                self._take_plugin(place, located, where, plugin_base)
        return ""

    def _take_content(self, place: _Place, base: str, located: Located, reference: Reference, where: str) -> None:
        self._take_links(place, located)
        laid = place.laid(located.path)
        self.inputs.setdefault(laid, Input(laid, located.entry, place.ref))
        below = located.path.startswith(f"{base}/" if base else "")
        if place.ref and not below:
            raise RenderFailed(
                f"{where} {_shown(reference.path)} is not below the folder of its kustomization, which kustomize "
                "refuses in a base elsewhere",
                hint="make it a kustomization of its own, or copy the base into the repository",
            )
        if located.links or not below:
            self.contained = False
        if reference.field.startswith(("resources[", "bases[")):
            self.resources.add(laid)

    def _take_remote(
        self, place: _Place, base: str, reference: Reference, remote: Remote, plugin_base: str | None
    ) -> str:
        if not reference.rewritable:
            raise RenderFailed(
                f"{remote.where} {_shown(reference.path)} is remote: a generator or transformer may name files of its "
                "repository only",
                hint="copy it into the repository",
            )
        self._count(remote)
        if remote.file and (tree := self._refs.get(remote.file_name)) is not None:
            entry = tree.entry(OneFile.NAME)
            assert entry is not None
            laid = posixpath.join(place.laid(base), file_place(remote))
            self.inputs.setdefault(laid, Input(laid, entry, remote.file_name))
            if reference.field.startswith(("resources[", "bases[")):
                self.resources.add(laid)
            if plugin_base is not None:
                self._hides(remote.where)
            return laid
        if remote.base is not None and (tree := self._refs.get(remote.base.name)) is not None:
            return self._take_base(tree, remote, remote.base, reference, plugin_base)
        self.needed.setdefault(remote.text, remote)
        return ""

    def _count(self, remote: Remote) -> None:
        self._remotes.add(remote.text)
        if len(self._remotes) > MAX_REMOTES:
            raise RenderFailed(
                f"{remote.where}: more than {MAX_REMOTES} bases, files and charts elsewhere",
                hint="copy some into the repository",
            )

    def _take_base(self, tree: Tree, remote: Remote, base: Base, reference: Reference, plugin_base: str | None) -> str:
        place = _Place(tree, base.name, mount_of(base), base.shown)
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
            self._hides(remote.where)
        self._take_directory(place, located, reference, remote.where, plugin_base)
        return place.laid(located.path)

    def _inflate(self, place: _Place, path: str, document: dict[str, Any], file: str) -> list[str]:
        """Take the charts of a kustomization; the resources that they will be, from its folder."""
        if not self._context.inflates:
            raise RenderFailed(
                f"{place.shown(file)}: {names_charts(document)} needs Helm inflation, which is switched off",
                hint="make the chart a source of its own, or set kustomize.buildOptions: --enable-helm in argocd-cm; "
                "trueup render and check have --enable-helm",
            )
        made = []
        for chart in charts_of(document, path, place.shown(file)):
            home = self._take_chart(place, chart)
            if home is None:
                continue
            own = chart.namespace or str(document.get("namespace") or "")
            if not own:
                self._borrowers.update(self._open)
            name = f".helm-chart-{len(self.charts)}.yaml"
            self.charts.append(
                Inflation(
                    where=chart.where,
                    place=place.laid(posixpath.join(path, name)),
                    folder=home.place.laid(home.path),
                    release=chart.release,
                    namespace=own or self._namespaces[place.laid(path)] or "default",
                    values_file=self._take_values(place, home, path, chart, chart.values_file),
                    inline=chart.values_inline,
                    merge=chart.merge,
                    more=tuple(self._take_values(place, home, path, chart, text) for text in chart.more_values_files),
                    kube_version=(chart.kube_version or self._context.kube_version).removeprefix("v"),
                    api_versions=chart.api_versions or self._context.api_versions,
                    crds=chart.crds,
                    skip_hooks=chart.skip_hooks,
                    skip_tests=chart.skip_tests,
                )
            )
            made.append(name)
        return made

    def _take_chart(self, place: _Place, chart: Chart) -> "_Home | None":
        """Where a chart is; None where it is to be fetched first."""
        located = follow(place.tree, chart.folder, chart.where)
        if located is not None and located.entry.mode is Mode.DIRECTORY:
            home = _Home(place, located.path, chart.folder)
            self._take_files(home, chart)
            return home
        if chart.fetched is None:
            raise RenderFailed(
                f"{chart.where}: no chart at {chart.folder}",
                hint="commit it there: helm pull --untar; or set repo, from which it is fetched",
            )
        if located is not None:
            raise RenderFailed(f"{chart.where}: {chart.folder} is a file", hint="remove it: the chart would lie there")
        if not over_http(chart.fetched.repository):
            raise RenderFailed(
                f"{chart.where}: {chart.fetched.shown}: Helm repositories are read over HTTP alone",
                hint=f"{COMMIT}, to {chart.folder}; or set repo to one that begins with https://",
            )
        self.absent.add(place.laid(chart.folder))
        remote = Remote(chart.where, chart.fetched.tree, file=False, base=None, chart=chart.fetched)
        self._count(remote)
        tree = self._refs.get(chart.fetched.tree)
        if tree is None:
            self.needed.setdefault(remote.text, remote)
            return None
        home = _Home(
            _Place(tree, chart.fetched.tree, chart_place(chart.fetched), chart.fetched.shown), "", chart.folder
        )
        try:
            name = self._take_files(home, chart)
        except RenderFailed as error:
            raise type(error)(f"{chart.where}: {chart.fetched.shown}: {error.message}", hint=error.hint) from error
        if name != chart.fetched.name:
            raise RenderFailed(
                f"{chart.where}: {chart.fetched.shown}: its Chart.yaml says that it is {name[:100]!r}",
                hint="name a chart that is what it is called",
            )
        return home

    def _take_files(self, home: "_Home", chart: Chart) -> str:
        """Take the files of a chart; its name.

        Raises:
            RenderFailed: they are none, are for another cluster, or lack something.
        """
        place, path = home.place, home.path
        read = read_chart(place.tree, path)
        version = chart.kube_version or self._context.kube_version or OWN_KUBE_VERSION
        refuse_other_versions(path, read.kube_version, version.removeprefix("v"))
        self.warnings += read.warnings
        self.absent.update(map(place.laid, read.absent))
        for input_ in read.inputs:
            laid = place.laid(input_.path)
            self.inputs.setdefault(laid, Input(laid, input_.entry, place.ref))
        return read.name

    def _take_values(self, place: _Place, home: "_Home", base: str, chart: Chart, text: str) -> str:
        """A value file, by its place; without a name the chart's own. It may lie in a chart that was fetched, where
        kustomize would have put that."""
        target = inside(base, text) if text else posixpath.join(chart.folder, "values.yaml")
        if target is None:
            raise refuse_outside(text, f"{chart.where}: value file")
        shown, within = text or target, f"{home.stands_for}/"
        if home.place is not place and target.startswith(within):
            place, target = home.place, target.removeprefix(within)
        located = follow(place.tree, target, chart.where)
        if located is None or located.entry.mode is Mode.DIRECTORY:
            raise RenderFailed(f"{chart.where}: value file {shown}: no such file", hint="add it")
        laid = place.laid(located.path)
        self.inputs.setdefault(laid, Input(laid, located.entry, place.ref))
        return laid

    def _take_plugin(self, place: _Place, located: Located, where: str, base: str) -> None:
        if place.tree.size(located.entry) > MAX_BYTES:
            self._hides(where)
            return
        data = place.tree.read(located.entry)
        if not is_plain(data):
            self._hides(where)
        for named in plugin_references(data, place.shown(located.path)):
            self._take(place, base, named, located.path)

    def _hides(self, where: str) -> None:
        self.opaque = self.opaque or where[:_LONGEST_PATH]

    def _missing(self, place: _Place, target: str, reference: Reference, where: str) -> None:
        if reference.text and len(target) > _LONGEST_PATH:
            return
        self.absent.add(place.laid(target))
        if self._checked and not reference.optional and not reference.text:
            raise RenderFailed(
                f"{where} {_shown(reference.path)}: no such file or directory",
                hint=f"add {place.shown(target)[:_LONGEST_PATH]} or remove it",
            )

    def _take_directory(
        self, place: _Place, located: Located, reference: Reference, where: str, plugin_base: str | None
    ) -> None:
        path = place.laid(located.path)
        self._take_links(place, located)
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
            file = _the_kustomization(place.tree, located.path)
            document = _read(place.tree, file)
        except RenderFailed as error:
            if not place.url:
                raise
            raise RenderFailed(f"{place.url} {error.message}", hint=error.hint) from error
        self.visit(place, located.path, document, file, plugin_base, above)

    def _take_file(self, place: _Place, file: str) -> None:
        located = follow(place.tree, file, "kustomization")
        if located is not None:
            self._take_links(place, located)
            laid = place.laid(located.path)
            self.inputs.setdefault(laid, Input(laid, located.entry, place.ref))

    def _take_links(self, place: _Place, located: Located) -> None:
        # Laid out as links: kustomize resolves what lies behind a link from the real place.
        for link in located.links:
            laid = place.laid(link.path)
            self.inputs.setdefault(laid, Input(laid, link, place.ref))


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
